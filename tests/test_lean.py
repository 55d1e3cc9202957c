"""
What the package ships of botocore is what botocore says, and its templates are those of the checkout.

An update of botocore that changes an operation or an error is seen here: both sides are read from what is installed.
"""

import ast
import ssl
from pathlib import Path

import botocore
import jinja2
import pytest
from botocore.loaders import Loader
from botocore.model import ServiceModel
from botocore.session import get_session

from chalicelib.adapters import templates
from infra import lean

MODELS = dict(lean.models())
CALLS = [(service, name) for service, operations in lean.OPERATIONS.items() for name in sorted(operations)]


@pytest.fixture(scope="module")
def shipped(tmp_path_factory):
    """The folder of the models, as it lies in the package."""
    folder = tmp_path_factory.mktemp("package")
    for name, content in MODELS.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder / "models"


def model_of(loader, service):
    return ServiceModel(loader.load_service_model(service, "service-2"), service)


def told(shape, known=()):
    """Return all that a shape says to a program, and so do the shapes within."""
    if shape is None or shape.name in known:
        return shape and shape.name
    inner = (*known, shape.name)
    members = {name: told(member, inner) for name, member in getattr(shape, "members", {}).items()}
    others = [told(getattr(shape, part, None), inner) for part in ("member", "key", "value")]
    return (shape.name, shape.type_name, shape.serialization, shape.metadata, members, others)


@pytest.mark.parametrize(("service", "operation"), CALLS)
def test_an_operation_is_botocores_own(shipped, service, operation):
    loader = Loader(extra_search_paths=[str(shipped)], include_default_search_paths=False)
    ours, whole = (model_of(each, service).operation_model(operation) for each in (loader, Loader()))
    assert ours.http == whole.http
    assert told(ours.input_shape) == told(whole.input_shape)
    assert told(ours.output_shape) == told(whole.output_shape)
    assert [told(shape) for shape in ours.error_shapes] == [told(shape) for shape in whole.error_shapes]
    assert ours.error_shapes or service != "dynamodb"


@pytest.mark.parametrize("service", lean.OPERATIONS)
def test_a_service_is_signed_for_and_found_as_botocore_does(shipped, service):
    loader = Loader(extra_search_paths=[str(shipped)], include_default_search_paths=False)
    assert model_of(loader, service).metadata == model_of(Loader(), service).metadata
    for region in ("eu-west-1", "us-east-1", "cn-north-1", "us-gov-west-1"):
        found = []
        for each in (loader, Loader()):
            session = get_session()
            session.register_component("data_loader", each)
            client = session.create_client(
                service, region_name=region, aws_access_key_id="x", aws_secret_access_key="y"
            )
            found.append((client.meta.endpoint_url, client.meta.config.signature_version, client.meta.partition))
        assert found[0] == found[1]


@pytest.mark.parametrize("region", ["eu-west-1", "cn-north-1"])
def test_a_call_goes_where_botocore_sends_it(shipped, region):
    """Without the names of its tables, which are looked for in each call otherwise."""
    written = [{"Put": {"TableName": "careline", "Item": {"pk": {"S": "x"}}}}]
    went = []
    for loader in (Loader(extra_search_paths=[str(shipped)], include_default_search_paths=False), Loader()):
        session = get_session()
        session.register_component("data_loader", loader)
        client = session.create_client("dynamodb", region, aws_access_key_id="x", aws_secret_access_key="y")
        client.meta.events.register("before-send", lambda request, **_: went.append(request.url) or answer(request))
        client.transact_write_items(TransactItems=written)
        client.get_item(TableName="careline", Key=written[0]["Put"]["Item"])
    assert went[:2] == went[2:]
    assert went[0].startswith(f"https://dynamodb.{region}.amazonaws.com")


def answer(request):
    from botocore.awsrequest import AWSResponse

    class Empty:
        def stream(self):
            yield b"{}"

    return AWSResponse(request.url, 200, {}, Empty())


def test_no_words_for_people_are_shipped():
    for name, content in MODELS.items():
        assert b'"documentation":"' not in content, name
    assert sum(len(content) for content in MODELS.values()) < 300_000


def test_an_operation_that_botocore_does_not_know_any_more_is_told(monkeypatch):
    monkeypatch.setitem(lean.OPERATIONS, "sns", {"Publish", "Whisper"})
    with pytest.raises(KeyError, match="Whisper"):
        dict(lean.models())


def test_the_roots_are_certificates_of_aws(tmp_path):
    bundle = tmp_path / "roots.pem"
    bundle.write_bytes(lean.roots())
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cafile=bundle)
    names = {dict(pair for group in root["subject"] for pair in group)["commonName"] for root in context.get_ca_certs()}
    starfield = "Starfield Services Root Certificate Authority - G2"
    assert names == {"Amazon Root CA 1", "Amazon Root CA 2", "Amazon Root CA 3", "Amazon Root CA 4", starfield}


def test_a_root_that_botocore_does_not_bring_any_more_is_told(monkeypatch):
    monkeypatch.setattr(lean, "ROOTS", ("Nobody's Root",))
    with pytest.raises(LookupError, match="Nobody's Root"):
        lean.roots()


def test_what_botocore_wants_of_its_writer_of_documentation_is_there():
    """Its clients import three names, and one module that the package keeps."""
    wanted = set()
    for path in Path(botocore.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("botocore.docs"):
                wanted |= {(node.module, alias.name) for alias in node.names}
    stands_in: dict = {}
    exec(dict(lean.documentation())["botocore/docs/docstring.py"], stands_in)  # noqa: S102 it is our own
    ours = {name for module, name in wanted if module == "botocore.docs.docstring"}
    assert {module for module, _ in wanted} == {"botocore.docs.docstring", "botocore.docs.utils"}
    for name in ours:
        assert stands_in[name]("any", event_emitter=None) == ""


def test_every_template_is_compiled(tmp_path):
    compiled = dict(lean.compiled_templates())
    for name, content in compiled.items():
        (tmp_path / name.rpartition("/")[2]).write_bytes(content)
    modules = jinja2.Environment(loader=jinja2.ModuleLoader(tmp_path), autoescape=True)
    modules.filters.update(templates._environment().filters)
    modules.tests.update(templates._environment().tests)
    held = [path for kind in ("mail", "pages") for path in (templates.FOLDER / kind).rglob("*.[th][xt]*")]
    assert len(held) == len(compiled) > 30
    for path in held:
        modules.get_template(str(path.relative_to(templates.FOLDER)))
