"""The least a Flask page can cost under the same server: the limit that pages are compared with."""

from flask import Flask

app = Flask("hello")


@app.get("/")
def hello() -> str:
    """Nothing but the framework."""
    return "hello"
