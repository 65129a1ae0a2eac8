"""The OpenAPI document as what checks answers, for tests/rest/contract and tests/rest/generated-requests."""
import jsonschema


class Document:
    """The types of a document, which allow no other members than theirs."""

    def __init__(self, document):
        self.components = document['components']
        self.schemas = self.components['schemas']
        for schema in self.schemas.values():
            if schema.get('properties'):
                schema['additionalProperties'] = False

    def resolve(self, thing):
        """Follows a reference to a response or a header field."""
        while '$ref' in thing:
            _, _, kind, name = thing['$ref'].split('/')
            thing = self.components[kind][name]
        return thing

    def problem_of(self, schema, value):
        """Where a value is not valid, and why; None."""
        try:
            jsonschema.Draft202012Validator({**schema, 'components': {'schemas': self.schemas}}).validate(value)
        except jsonschema.ValidationError as e:
            return e.json_path, e.message[:300]
        return None
