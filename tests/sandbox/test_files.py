"""Uploads and downloads (docs/sandbox.md: REST API)."""

import os
from typing import Any

import httpx2
import pytest

from actionstep_connect.testing import Sandbox
from tests.support.sandbox import process_of
from tests.support.visitor import Application, uploaded

PART = 5 * 1024 * 1024
PDF = b"%PDF-1.7\n" + b"words " * 300
EICAR = rb"X5O!P%@AP[4\PZX54(P^)7CC)7}$" + b"EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"


@pytest.fixture
def tokens(application: Application) -> dict[str, Any]:
    """Return Priya's tokens at Acme Law, for everything."""
    return application.issued("priya", orgkey="acmelaw")


def send(
    application: Application,
    tokens: dict[str, Any],
    content: bytes,
    *,
    path: str = "files?part_number=1&part_count=1",
    name: str = "lease.pdf",
) -> httpx2.Response:
    """Send one part."""
    files = {"file": (name, content)}
    response: httpx2.Response = application.api(tokens, path, "POST", files=files)
    return response


def document(application: Application, tokens: dict[str, Any], file: str) -> httpx2.Response:
    """Create a document of matter 15 that takes an uploaded file."""
    row = {"name": "Lease", "file": file, "links": {"action": 15}}
    response: httpx2.Response = application.api(
        tokens, "actiondocuments", "POST", json={"actiondocuments": row}
    )
    return response


def errors(response: httpx2.Response) -> list[dict[str, Any]]:
    """Return the errors of an answer, one or several."""
    found = response.json()["errors"]
    return found if isinstance(found, list) else [found]


def test_an_upload_becomes_a_document_and_comes_back(
    application: Application, tokens: dict[str, Any]
) -> None:
    """The row takes the file to its place, and the file is what was sent."""
    sent = send(application, tokens, PDF)
    assert set(sent.json()["files"]) == {"id", "status"}
    created = document(application, tokens, f"{sent.json()['files']['id']};lease.pdf")
    row = created.json()["actiondocuments"]
    assert (row["fileSize"], row["extension"], row["status"]) == (len(PDF), ".pdf", "uploaded")
    assert "file" not in row
    path = f"actiondocuments/{row['id']}?fields=:default,file"
    file = application.api(tokens, path).json()["actiondocuments"]["file"]
    assert file == f"DL::Actions::15::{row['id']}"
    got = application.api(tokens, f"files/{file}?part_number=1")
    assert (got.status_code, got.content) == (200, PDF)
    assert application.api(tokens, f"files/{file};lease.pdf?part_number=1").content == PDF


def test_a_contact_takes_a_file_as_a_matter_does(
    application: Application, tokens: dict[str, Any]
) -> None:
    """``contactdocuments`` shows its ``file`` without being asked, and may have no name."""
    file = uploaded(application, tokens, PDF, "passport.pdf")
    body = {"contactdocuments": {"file": file, "links": {"participant": 12}}}
    created = application.api(tokens, "contactdocuments", "POST", json=body)
    row = created.json()["contactdocuments"]
    assert row["file"] == f"CD::Contacts::12::{row['id']}"
    assert (row["name"], row["fileName"]) == ("passport.pdf", "passport.pdf")
    assert application.api(tokens, f"files/{row['file']}?part_number=1").content == PDF


def test_a_large_file_goes_up_and_down_in_parts_of_5_mb(
    application: Application, tokens: dict[str, Any]
) -> None:
    """Parts may come twice; the document is refused until the last one is there."""
    content = PDF + os.urandom(2 * PART)
    pieces = [content[start : start + PART] for start in range(0, len(content), PART)]
    first = send(application, tokens, pieces[0], path="files?part_number=1&part_count=3")
    key = first.json()["files"]["id"]
    assert errors(document(application, tokens, f"{key};lease.pdf"))[0]["code"] == "AS-1302"
    for number in (2, 2, 3):
        path = f"files/{key}?part_number={number}&part_count=3"
        assert send(application, tokens, pieces[number - 1], path=path).status_code == 200
    row = document(application, tokens, f"{key};lease.pdf").json()["actiondocuments"]
    assert row["fileSize"] == len(content)
    path = f"files/DL::Actions::15::{row['id']}"
    parts = [application.api(tokens, f"{path}?part_number={n}").content for n in (1, 2, 3)]
    assert [len(part) for part in parts] == [PART, PART, len(content) - 2 * PART]
    assert b"".join(parts) == content
    assert application.api(tokens, f"{path}?part_number=4").status_code == 404


def test_a_download_can_be_of_a_range(application: Application, tokens: dict[str, Any]) -> None:
    """206 with what was asked for, 416 past the end; what makes no sense is not heeded."""
    row = document(application, tokens, uploaded(application, tokens, PDF, "a.pdf"))
    path = f"files/DL::Actions::15::{row.json()['actiondocuments']['id']}?part_number=1"

    def ranged(value: str) -> httpx2.Response:
        response: httpx2.Response = application.api(tokens, path, headers={"Range": value})
        return response

    for value, wanted in (
        ("bytes=0-4", PDF[:5]),
        ("bytes=100-", PDF[100:]),
        ("bytes=-7", PDF[-7:]),
        ("bytes=5-999999", PDF[5:]),
    ):
        got = ranged(value)
        assert (got.status_code, got.content) == (206, wanted)
    assert ranged("bytes=5-9").headers["Content-Range"] == f"bytes 5-9/{len(PDF)}"
    beyond = ranged(f"bytes={len(PDF)}-")
    assert (beyond.status_code, beyond.headers["Content-Range"]) == (416, f"bytes */{len(PDF)}")
    for value in ("bytes=9-5", "bytes=-", "lines=1-2", "bytes=0-1,4-5"):
        assert (ranged(value).status_code, ranged(value).content) == (200, PDF)


@pytest.mark.parametrize(
    "extension", ["com", "sh", "exe", "bat", "cmd", "vbs", "src", "msi", "jar", "dll", "tpl"]
)
def test_some_types_are_refused(
    application: Application, tokens: dict[str, Any], extension: str
) -> None:
    """At the upload, and when a document would give an upload such a name."""
    refused = send(application, tokens, b"words", name=f"letter.{extension.upper()}")
    assert (refused.status_code, errors(refused)[0]["code"]) == (400, "AS-1302")
    key = uploaded(application, tokens).partition(";")[0]
    renamed = document(application, tokens, f"{key};letter.{extension}")
    assert renamed.status_code == 400
    assert errors(renamed)[0]["source"]["pointer"] == "/actiondocuments/file"


def test_a_signature_must_match_the_extension(
    application: Application, tokens: dict[str, Any]
) -> None:
    """No words called a PDF, no PDF called words, no program at all."""
    for name, content in (
        ("lease.pdf", b"words"),
        ("lease.docx", PDF),
        ("lease.txt", PDF),
        ("lease.txt", b"MZ\x90\x00\x03"),
        ("lease", b"\x7fELF\x02"),
    ):
        refused = send(application, tokens, content, name=name)
        assert (refused.status_code, errors(refused)[0]["code"]) == (400, "AS-1302"), name
    file = uploaded(application, tokens, b"words", "lease.txt").replace(".txt", ".pdf")
    assert document(application, tokens, file).status_code == 400


def test_a_file_is_in_quarantine_until_it_has_been_scanned(
    sandbox: Sandbox, application: Application, tokens: dict[str, Any]
) -> None:
    """No document takes it before ``scan_seconds`` have passed on the sandbox's clock."""
    sandbox.change_options(scan_seconds=90)
    sent = send(application, tokens, PDF).json()["files"]
    file = f"{sent['id']};lease.pdf"
    assert sent["status"] == "Scanning"
    [refused] = errors(document(application, tokens, file))
    assert (refused["code"], refused["status"]) == ("AS-1302", 400)
    assert "scanned" in refused["detail"]
    sandbox.post("sandbox/advance", seconds=91)
    tokens = application.issued("priya", orgkey="acmelaw")
    assert document(application, tokens, file).status_code == 200


def test_a_virus_is_found(application: Application, tokens: dict[str, Any]) -> None:
    """The file with which scanners are tried out is never taken."""
    refused = document(application, tokens, uploaded(application, tokens, EICAR, "a.txt"))
    assert (refused.status_code, "virus" in errors(refused)[0]["detail"]) == (400, True)


def test_an_upload_is_of_its_user_and_serves_once(
    application: Application, tokens: dict[str, Any]
) -> None:
    """Another user's upload, one that was taken, and one that never was: no document."""
    file = uploaded(application, application.issued("tom", orgkey="acmelaw"))
    assert document(application, tokens, file).status_code == 400
    for unknown in ("0" * 32 + ";a.txt", "A file", "", file.partition(";")[0] + ";../a.txt"):
        assert document(application, tokens, unknown).status_code == 400
    file = uploaded(application, tokens)
    row = document(application, tokens, file).json()["actiondocuments"]
    assert document(application, tokens, file).status_code == 400
    assert application.api(tokens, f"actiondocuments/{row['id']}", "DELETE").status_code == 204
    gone = application.api(tokens, f"files/DL::Actions::15::{row['id']}?part_number=1")
    assert gone.status_code == 404
    path = f"files/{file.partition(';')[0]}?part_number=1&part_count=1"
    assert send(application, tokens, b"words", path=path).status_code == 404


def test_files_of_the_start_can_be_downloaded(
    application: Application, tokens: dict[str, Any]
) -> None:
    """Each is as long as its row says, and begins as its type does."""
    page = application.api(tokens, "actiondocuments?fields=file,fileSize,extension&pageSize=60")
    for row in page.json()["actiondocuments"]:
        got = application.api(tokens, f"files/{row['file']}?part_number=1")
        assert len(got.content) == row["fileSize"]
        assert got.content.startswith(b"%PDF-") == (row["extension"] == ".pdf")
    for identifier in ("DL::Actions::1::999999", "DL::Actions::9999::1", "XX::1::2", "7"):
        assert application.api(tokens, f"files/{identifier}?part_number=1").status_code == 404
    contact = application.api(tokens, "contactdocuments/568").json()["contactdocuments"]
    got = application.api(tokens, f"files/{contact['file']}?part_number=1")
    assert len(got.content) == contact["fileSize"]
    attachment = application.api(tokens, "files/EM::Emails::1::1?part_number=1")
    assert (attachment.status_code, len(attachment.content)) == (200, 2048)


def test_files_have_a_scope_and_the_users_own_permissions(application: Application) -> None:
    """Without ``files`` 403; files of restricted matters are unseen; a reader uploads nothing."""
    without = application.issued("priya", "actiondocuments", orgkey="acmelaw")
    for response in (
        application.api(without, "files/DL::Actions::1::1?part_number=1"),
        send(application, without, PDF),
    ):
        assert errors(response)[0]["code"] == "insufficient_scope"
    priya = application.issued("priya", orgkey="acmelaw")
    path = "actiondocuments?action=30&fields=file&pageSize=200"
    found = application.api(priya, path).json()["actiondocuments"]
    restricted = found[0]["file"] if isinstance(found, list) else found["file"]
    assert application.api(priya, f"files/{restricted}?part_number=1").status_code == 200
    tom = application.issued("tom", orgkey="acmelaw")
    assert application.api(tom, f"files/{restricted}?part_number=1").status_code == 404
    assert send(application, application.issued("elena"), PDF).status_code == 403


def test_an_upload_that_makes_no_sense_is_400(
    application: Application, tokens: dict[str, Any]
) -> None:
    """Part numbers, the form, its field and the size are checked; a body of JSON is 415."""
    for query in (
        "",
        "part_number=1",
        "part_number=0&part_count=1",
        "part_number=2&part_count=1",
        "part_number=x&part_count=1",
        "part_number=2&part_count=2",
        "part_number=1&part_count=100000",
    ):
        assert send(application, tokens, PDF, path=f"files?{query}").status_code == 400, query
    path = "files?part_number=1&part_count=1"
    for size in (PART + 1, 3 * PART):
        refused = send(application, tokens, bytes(size), name="a.bin")
        assert (refused.status_code, errors(refused)[0]["code"]) == (400, "AS-1302")
    other_field = application.api(tokens, path, "POST", files={"document": ("a.txt", b"words")})
    assert other_field.status_code == 400
    headers = {"Content-Type": "multipart/form-data"}
    torn = application.api(tokens, path, "POST", content=b"words", headers=headers)
    assert torn.status_code == 400
    assert application.api(tokens, path, "POST", json={"files": {}}).status_code == 415
    assert application.api(tokens, "files").status_code == 405
    assert application.api(tokens, "files", "OPTIONS").headers["Allow"] == "POST, OPTIONS"
    assert application.api(tokens, "users/current").status_code == 200


def test_memory_stays_flat_however_large_a_file_is(
    sandbox: Sandbox, application: Application, tokens: dict[str, Any]
) -> None:
    """A file of 60 MB goes up in parts and down at once within 24 MB of memory."""
    process = process_of(sandbox)
    part, count = bytes(PART), 12
    send(application, tokens, part, name="a.bin")
    before = process.memory_info().rss
    first = send(
        application, tokens, part, name="a.bin", path=f"files?part_number=1&part_count={count}"
    )
    key, most = first.json()["files"]["id"], 0
    for number in range(2, count + 1):
        send(application, tokens, part, path=f"files/{key}?part_number={number}&part_count={count}")
        most = max(most, process.memory_info().rss)
    row = document(application, tokens, f"{key};a.bin").json()["actiondocuments"]
    headers = {"Authorization": f"Bearer {tokens['access_token']}"}
    url, length = f"/api/rest/files/DL::Actions::15::{row['id']}", 0
    with application.http.stream("GET", url, headers=headers) as response:
        for chunk in response.iter_bytes():
            length += len(chunk)
        most = max(most, process.memory_info().rss)
    assert length == count * PART
    assert most - before < 24 * 1024 * 1024
