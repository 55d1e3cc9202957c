"""
The settings of a storefront: read whole, written whole.
"""

from chalice.app import Response

from chalicelib.domain.errors import NotFound
from chalicelib.domain.settings import document_of, storefront_from
from chalicelib.domain.storefront import Storefront
from chalicelib.handlers.door import Call, json_response
from chalicelib.usecases import house


def read(call: Call, storefront: str) -> Response:
    found = call.desk.house.find_storefront(storefront)
    if found is None:
        raise NotFound("storefront")
    return _settings(found)


def put(call: Call, storefront: str) -> Response:
    """
    Check the whole document, then write it as the next version; a storefront that is not there is made.

    A document that says which version it was read as counts like an If-Match.
    """
    wanted = storefront_from(call.body, storefront)
    if_match = call.body.get("version") if call.if_match is None else call.if_match
    return _settings(house.put_storefront(call.desk, wanted, if_match=if_match))


def _settings(storefront: Storefront) -> Response:
    return json_response({**document_of(storefront), "version": storefront.version}, ETag=f'"{storefront.version}"')
