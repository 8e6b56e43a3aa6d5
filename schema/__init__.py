"""The GraphQL skin: types, names, descriptions. Decides nothing."""
