"""
Storefronts: their settings from a file, and their mail identities in SES, with the DNS records that these need.
"""

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from infra import stage
from infra.aws import Session, Trouble, session_for

if TYPE_CHECKING:
    from chalicelib.wiring import Desk

_TELL_EVERY = 500


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    apply = actions.add_parser("apply", help="create or change the storefronts of a YAML or JSON file")
    apply.add_argument("file", type=Path, help="one storefront, or a list: id, name, support_addresses, language, ...")
    apply.add_argument(
        "--promise-anew",
        action="store_true",
        help="let the new hours and targets count for tickets that are open already; else what was promised stays",
    )
    listing = actions.add_parser("list", help="show every storefront")
    for each in (apply, listing):
        stage.add_stage(each)


def run(args: argparse.Namespace) -> int:
    session = session_for(args.stage)
    stage.enter(args.stage, session)
    from chalicelib import wiring
    from chalicelib.domain.errors import DeskError
    from chalicelib.domain.settings import storefront_from
    from chalicelib.usecases import house

    desk = wiring.desk()
    if args.action == "list":
        for each in house.storefronts(desk):
            print(f"{each.id:16} {each.language:4} {', '.join(each.support_addresses):40} {each.name}")
        return 0
    for document in documents(args.file):
        try:
            storefront = storefront_from(document)
            house.put_storefront(desk, storefront)
        except DeskError as error:
            raise Trouble(f"{args.file}, storefront {document.get('id', '?')}: {error}") from error
        print(f"{storefront.id}: applied")
        if args.promise_anew:
            promise_anew(desk, storefront.id)
        for domain in sorted({address.partition("@")[2] for address in storefront.support_addresses}):
            print("\n".join(mail_identity(domain, session)))
    return 0


def promise_anew(desk: "Desk", storefront: str) -> None:
    """Let today's settings count for the open tickets of *storefront*, and say how far it is."""
    from chalicelib.domain.ticket import SYSTEM
    from chalicelib.usecases import tickets

    looked_at, changed = 0, 0
    for _, anew in tickets.promise_anew(desk, storefront, by=SYSTEM):
        looked_at, changed = looked_at + 1, changed + anew
        if looked_at % _TELL_EVERY == 0:
            print(f"{storefront}: {looked_at} open tickets looked at, {changed} promised anew", flush=True)
    print(f"{storefront}: {looked_at} open tickets, {changed} promised anew")


def documents(file: Path) -> list[dict[str, object]]:
    """
    Return the storefronts that a file describes.

    Raises:
        Trouble: It cannot be read as YAML or JSON, or holds something else.
    """
    try:
        content = yaml.safe_load(file.read_text())
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise Trouble(f"{file} cannot be read: {error}") from error
    content = json.loads(json.dumps(content, default=str))  # YAML reads a day as a date
    found = content if isinstance(content, list) else [content]
    if not all(isinstance(each, dict) for each in found):
        raise Trouble(f"{file}: a storefront is a mapping with id, name and support_addresses.")
    return found


def mail_identity(domain: str, session: Session) -> list[str]:
    """Let SES send for *domain*, and its bounces come back to mail.*domain*; return what to do, DNS record by record."""
    ses = session.client("ses")
    proof = ses.verify_domain_identity(Domain=domain)["VerificationToken"]
    tokens = ses.verify_domain_dkim(Domain=domain)["DkimTokens"]
    if session.endpoint:  # there is no DNS to ask, and no MAIL FROM, in the embedded AWS
        return [f"{domain}: verified"]
    ses.set_identity_mail_from_domain(Identity=domain, MailFromDomain=f"mail.{domain}")
    asked = ses.get_identity_verification_attributes(Identities=[domain])["VerificationAttributes"]
    region = session.region
    return [
        f"{domain}: {asked[domain]['VerificationStatus']}. Its DNS records:",
        f"  _amazonses.{domain}  TXT  {proof}",
        *(f"  {token}._domainkey.{domain}  CNAME  {token}.dkim.amazonses.com" for token in tokens),
        f"  mail.{domain}  MX  10 feedback-smtp.{region}.amazonses.com",
        f"  mail.{domain}  TXT  v=spf1 include:amazonses.com ~all",
        f"  _dmarc.{domain}  TXT  v=DMARC1; p=quarantine",
        f"  {domain}  MX  10 inbound-smtp.{region}.amazonaws.com   (only if no other server takes its mail)",
    ]
