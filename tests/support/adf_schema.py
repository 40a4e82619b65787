"""Validates Atlassian documents, one a line, against the published schema: adf_schema.py SCHEMA.json DOCUMENTS.jsonl

The schema offers some twenty alternatives for each node, and most of them for each of their children again. Only those
of the node's own type are tried here: the others require another type, so they could not hold.
"""

import json
import sys

from jsonschema import Draft4Validator, ValidationError, validators


def main() -> int:
    with open(sys.argv[1], encoding="utf-8") as file:
        schema = json.load(file)

    def types_of(alternative: dict) -> set[str] | None:
        """The values of `type` that an alternative takes; None when it takes any."""
        while "$ref" in alternative:
            alternative = schema["definitions"][alternative["$ref"].rsplit("/", 1)[1]]
        named = alternative.get("properties", {}).get("type", {}).get("enum")
        if named and "type" in alternative.get("required", []):
            return set(named)
        for part in alternative.get("allOf", []):
            if (found := types_of(part)) is not None:
                return found
        return None

    def any_of(validator, alternatives, instance, _schema):
        kind = instance.get("type") if isinstance(instance, dict) else None
        for alternative in alternatives:
            types = types_of(alternative) if isinstance(instance, dict) else None
            if types is not None and kind not in types:
                continue
            if not next(iter(validator.descend(instance, alternative)), None):
                return
        yield ValidationError(f"no alternative takes {str(instance)[:200]}")

    validator = validators.extend(Draft4Validator, {"anyOf": any_of})(schema)
    bad = count = 0
    with open(sys.argv[2], encoding="utf-8") as file:
        for line in file:
            count += 1
            for error in validator.iter_errors(json.loads(line)):
                bad += 1
                print(f"line {count}: {error.message}\n  {line.strip()[:2000]}")
                break
    print(f"{count} documents, {bad} refused")
    return 1 if bad or not count else 0


if __name__ == "__main__":
    sys.exit(main())
