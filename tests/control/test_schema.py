# SPDX-License-Identifier: BSD-3-Clause
"""docs/plan.schema.json accepts what the loader accepts, and refuses what is wrong by its shape."""
import unittest

import jsonschema

import plans


class Schema(unittest.TestCase):
    def setUp(self):
        self.validator = jsonschema.Draft202012Validator(plans.SCHEMA)

    def test_the_schema_is_one(self):
        jsonschema.Draft202012Validator.check_schema(plans.SCHEMA)

    def test_good_plans_are_accepted(self):
        self.assertGreaterEqual(len(plans.GOOD), 2)
        for path in plans.GOOD:
            with self.subTest(path.name):
                self.validator.validate(plans.read(path))

    def test_bad_shapes_are_refused_and_only_they(self):
        shapes = 0
        for path in plans.BAD:
            plan = plans.read(path)
            if plan is None:
                continue
            _, bad_shape = plans.remarks(path)
            shapes += bad_shape
            with self.subTest(path.name):
                self.assertEqual(not self.validator.is_valid(plan), bad_shape)
        self.assertGreaterEqual(shapes, 30)

    def test_keys_of_the_schema_are_those_of_the_page(self):
        """Every key that docs/plan.md has a row for is in the schema, and the other way round."""
        page = (plans.ROOT / 'docs' / 'plan.md').read_text()
        for where, definition in (('services.NAME.', 'service'), ('pools.NAME.', 'pool'),
                                  ('stages[].', 'stage')):
            rows = {line.split('`')[1][len(where):].split('.')[0]
                    for line in page.splitlines() if line.startswith(f'| `{where}')}
            self.assertEqual(rows, set(plans.SCHEMA['$defs'][definition]['properties']), where)


if __name__ == '__main__':
    unittest.main()
