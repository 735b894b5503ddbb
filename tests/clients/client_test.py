"""openfeature-sdk with openfeature-provider-ofrep, against the server that the environment names."""

import json
import os
import unittest
from urllib.request import Request, urlopen

from openfeature import api
from openfeature.contrib.provider.ofrep import OFREPProvider
from openfeature.evaluation_context import EvaluationContext
from openfeature.exception import ErrorCode

URL = os.environ["HOIST_URL"]
USER = EvaluationContext("user-1")


def client(domain, token):
    headers = lambda: {"Authorization": f"Bearer {token}"}
    api.set_provider(OFREPProvider(URL, headers_factory=headers), domain)
    return api.get_client(domain)


def serve(key, variant):
    """Has everyone served the variant from now on."""
    settings = {"enabled": True, "default": {"serve": variant}, "off_variant": variant}
    headers = {"Authorization": "Bearer hoist_api_development", "Content-Type": "application/json"}
    path = f"{URL}/api/v1/projects/default/environments/development/flags/{key}"
    urlopen(Request(path, json.dumps(settings).encode(), headers, method="PUT"), timeout=10).close()


class Client(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.flags = client("shop", "hoist_sdk_development")

    def test_every_type_is_read(self):
        flags = self.flags
        self.assertIs(flags.get_boolean_value("dashboard", False, USER), True)
        self.assertEqual(flags.get_string_value("copy", "", USER), "BUY NOW")
        self.assertEqual(flags.get_integer_value("limit", 0, USER), 10)
        factor = flags.get_float_details("factor", 9.5, USER)
        self.assertEqual((factor.value, factor.error_code), (1.0, None))
        self.assertEqual(flags.get_object_value("look", {}, USER), {"colour": "red", "size": 2})

    def test_every_reason_is_told_with_its_variant(self):
        expected = [
            ("dashboard", {}, "STATIC", "on"),
            ("targeted", {"plan": "beta"}, "TARGETING_MATCH", "on"),
            ("targeted", {"plan": "free"}, "DEFAULT", "off"),
            ("disabled", {}, "DISABLED", "off"),
        ]
        for key, attributes, reason, variant in expected:
            context = EvaluationContext("user-1", attributes)
            details = self.flags.get_boolean_details(key, True, context)
            self.assertEqual((details.reason, details.variant, details.value), (reason, variant, variant == "on"))
            self.assertEqual(details.flag_metadata["environment"], "development")
        reached = [self.flags.get_boolean_details("split", False, EvaluationContext(f"user-{n}")) for n in range(50)]
        self.assertEqual({(split.reason, split.variant, split.value) for split in reached},
                         {("SPLIT", "on", True), ("SPLIT", "off", False)})

    def test_an_unknown_flag_serves_the_default(self):
        for default in (True, False):
            details = self.flags.get_boolean_details("nope", default, USER)
            self.assertEqual((details.value, details.reason, details.error_code),
                             (default, "ERROR", ErrorCode.FLAG_NOT_FOUND))

    def test_a_value_of_another_type_serves_the_default(self):
        flags = self.flags
        mistyped = [
            (flags.get_boolean_details("copy", True, USER), True),
            (flags.get_string_details("dashboard", "mine", USER), "mine"),
            (flags.get_integer_details("copy", 7, USER), 7),
            (flags.get_float_details("copy", 7.5, USER), 7.5),
            (flags.get_object_details("copy", {"my": "own"}, USER), {"my": "own"}),
            # It serves a whole number now, and another variant is 1.5: an application learns that at once.
            (flags.get_integer_details("factor", 7, USER), 7),
        ]
        for details, default in mistyped:
            self.assertEqual((details.value, details.reason, details.error_code),
                             (default, "ERROR", ErrorCode.TYPE_MISMATCH))

    def test_a_bad_token_is_an_error_and_serves_the_default(self):
        flags = client("stranger", "hoist_web_wrong")
        refused = flags.get_boolean_details("dashboard", False, USER)
        self.assertEqual((refused.value, refused.reason, refused.error_code), (False, "ERROR", ErrorCode.GENERAL))
        self.assertEqual(flags.get_string_value("copy", "mine", USER), "mine")

    def test_nobody_in_particular_is_answered(self):
        self.assertEqual(self.flags.get_string_value("copy", ""), "BUY NOW")

    def test_a_change_is_seen(self):
        before = self.flags.get_float_details("changing", 0.5, USER)
        self.assertEqual((before.value, before.variant), (1.0, "one"))
        serve("changing", "more")
        after = self.flags.get_float_details("changing", 0.5, USER)
        self.assertEqual((after.value, after.variant), (1.5, "more"))
        self.assertGreater(after.flag_metadata["version"], before.flag_metadata["version"])


if __name__ == "__main__":
    unittest.main()
