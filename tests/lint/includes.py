"""Heavy and private headers stay where they belong.

public-include    a public header (libmigrate/include) names a header of Beast, SSL, a database or a parser
private-include   a header of Beast, SSL, a database or a parser outside the few files that wrap it
"""

import re

from lintkit import Fault, File, Sample, line_of, main

PUBLIC = "libmigrate/include/"
# What is included, and which files may: one folder wraps each library, so that a change of it stays there and the
# dearest headers are compiled once.
TESTS = r"(plugins/[^/]+/|examples/.*/)?tests/"
RULES = [
    # Its base64 is a header of its own that includes nothing.
    ("Beast", r"boost/beast(/(?!core/detail/base64\.)|\.hpp)", rf"libmigrate/src/http/|{TESTS}unit/test_http"),
    ("SSL", r"boost/asio/ssl(/|\.hpp)|openssl/", rf"libmigrate/src/http/|libmigrate/src/[^/]*(hash|digest|sha)|{TESTS}unit/test_http"),
    ("libpq", r"libpq-fe\.h|libpq/|pqxx", rf"plugins/(postgres|supabase)/|{TESTS}"),
    ("SQLite", r"sqlite3\.h", rf"libmigrate/src/.*sqlite|libmigrate/src/store|plugins/(sqlite|cloudflare_d1)/|examples/drivers/certificates/|{TESTS}"),
    ("yaml-cpp", r"yaml-cpp/", rf"libmigrate/src/.*(config|yaml)|{TESTS}"),
    ("libxlsxwriter", r"xlsxwriter", rf"libmigrate/src/.*(report|xlsx)|{TESTS}"),
    ("Gumbo", r"gumbo\.h", rf"libmigrate/src/richtext/|{TESTS}"),
    ("md4c", r"md4c\.h", rf"libmigrate/src/richtext/|{TESTS}"),
    ("libjq", r"jq\.h|jv\.h", rf"plugins/jq/|{TESTS}"),
    ("CLI11", r"CLI/", rf"examples/|{TESTS}"),
    ("doctest", r"doctest/", rf"{TESTS}|libmigrate/src/testing/"),
]


def check(files: list[File]) -> list[Fault]:
    faults = []
    for file in files:
        for match in re.finditer(r'^[ \t]*#[ \t]*include[ \t]*[<"]([^>"]+)[>"]', file.text, re.MULTILINE):
            for library, header, allowed in RULES:
                if not re.match(header, match.group(1)):
                    continue
                line = line_of(file.text, match.start())
                if file.path.startswith(PUBLIC):
                    faults.append(Fault(file.path, line, "public-include", f"{library} must not show in public headers"))
                elif not re.match(allowed, file.path):
                    faults.append(Fault(file.path, line, "private-include", f"{library} is wrapped elsewhere: use that"))
    return faults


SAMPLES = [
    Sample("libmigrate/include/migrate/http/client.hpp", "#include <boost/beast/http.hpp>\n", ("public-include",)),
    Sample("libmigrate/include/migrate/store.hpp", '#include "sqlite3.h"\n', ("public-include",)),
    Sample("plugins/jira/api.cpp", "#include <boost/asio/ssl.hpp>\n", ("private-include",)),
    Sample("plugins/jsonl/source.cpp", "  #  include <libpq-fe.h>\n", ("private-include",)),
    Sample("libmigrate/src/engine.cpp", "#include <yaml-cpp/yaml.h>\n", ("private-include",)),
    Sample("plugins/postgres/api.cpp", "#include <libpq-fe.h>\n#include <boost/asio/posix/stream_descriptor.hpp>\n"),
    Sample("libmigrate/src/http/client.cpp", "#include <boost/beast/core.hpp>\n#include <boost/asio/ssl/context.hpp>\n"),
    Sample("plugins/fields/text.cpp", "#include <boost/beast/core/detail/base64.hpp>\n"),
    Sample("plugins/sqlite/tests/test_source.cpp", "#include <doctest/doctest.h>\n#include <sqlite3.h>\n"),
]

if __name__ == "__main__":
    main(check, (".hpp", ".h", ".cpp"), SAMPLES)
