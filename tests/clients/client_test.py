"""openfeature-sdk with openfeature-provider-ofrep, against the server that the environment names."""

import os
import unittest

from openfeature import api
from openfeature.contrib.provider.ofrep import OFREPProvider
from openfeature.evaluation_context import EvaluationContext
from openfeature.exception import ErrorCode

USER = EvaluationContext("user-1")


def client(domain, token):
    headers = lambda: {"Authorization": f"Bearer {token}"}
    api.set_provider(OFREPProvider(os.environ["HOIST_URL"], headers_factory=headers), domain)
    return api.get_client(domain)


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
        self.assertEqual(self.flags.get_boolean_details("split", False, USER).reason, "SPLIT")

    def test_the_default_is_served_when_there_is_no_answer(self):
        unknown = self.flags.get_boolean_details("nope", True, USER)
        self.assertEqual((unknown.value, unknown.error_code), (True, ErrorCode.FLAG_NOT_FOUND))
        mistyped = self.flags.get_string_details("dashboard", "mine", USER)
        self.assertEqual((mistyped.value, mistyped.error_code), ("mine", ErrorCode.TYPE_MISMATCH))
        refused = client("stranger", "hoist_web_wrong").get_boolean_details("dashboard", False, USER)
        self.assertEqual((refused.value, refused.error_code), (False, ErrorCode.GENERAL))

    def test_nobody_in_particular_is_answered(self):
        self.assertEqual(self.flags.get_string_value("copy", ""), "BUY NOW")


if __name__ == "__main__":
    unittest.main()
