"""AWS Service Catalog over its real protocol, on top of MiniStack's CloudFormation.

Reading order: `api` (one request) → `protocol` (botocore's model) → `operations/` (what AWS documents) →
`store` (what is kept) → `following` (a record follows its stack) → `engine` (nothing else touches MiniStack).
"""
