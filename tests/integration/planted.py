"""A policy that lets a reader of one tenant read another's objects, to be added to the program."""


def granting(tenant: str, other: str) -> str:
    """Lines for `__main__.py`, after which `tenant`'s reader reads what is in `other`'s bucket."""
    return f"""
aws.iam.RolePolicy(
    "planted",
    name="planted",
    role=names.role("{tenant}", "reader"),
    policy=pulumi.Output.json_dumps(
        {{
            "Version": "2012-10-17",
            "Statement": [
                {{
                    "Sid": "Planted",
                    "Effect": "Allow",
                    "Action": "s3:GetObject",
                    "Resource": names.objects_arn(names.bucket("{other}")),
                }}
            ],
        }}
    ),
    opts=ResourceOptions(provider=provider),
)
"""
