"""The functions and the stack Gatehouse puts into an AWS account: standard library and boto3 only."""
