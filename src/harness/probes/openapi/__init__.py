"""What an OpenAPI document says, however broken: operations, schemas, and the paths of its data."""
