"""Documents: files that people upload.

Owns        what may be uploaded, the bytes in the data folder, who uploaded what.
Not here    what a file proves (accounts, payments), who may see it (the faces).
Invariants  a file is checked by its bytes and kept exactly as it was sent, with what a camera writes into it; it is
            stored encrypted, outside everything that is served; every row has its file.
"""

from market.documents.actions import DocumentLost, folder, read, shown, store, sweep
from market.documents.kinds import ENDINGS, LARGEST, Unusable
from market.documents.models import Document
from market.documents.queries import document_by_id
from market.documents.samples import sample_licence
from market.documents.tax_files import ENDINGS as FAPIAO_ENDINGS
from market.documents.tax_files import XML, fapiao_file

__all__ = [
    "ENDINGS", "FAPIAO_ENDINGS", "LARGEST", "XML", "Document", "DocumentLost", "Unusable", "document_by_id", "fapiao_file",
    "folder", "read", "sample_licence", "shown", "store", "sweep",
]  # fmt: skip
