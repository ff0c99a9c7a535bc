"""Documents: files that people upload.

Owns        what may be uploaded, the bytes in the data folder, who uploaded what.
Not here    what a file proves (accounts, payments), who may see it (the faces).
Invariants  a file is checked by its bytes; it is stored encrypted, outside everything that is served.
"""

from market.documents.models import Document

__all__ = ["Document"]
