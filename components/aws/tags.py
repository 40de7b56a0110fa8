"""The tags that every taggable resource carries."""

from collections.abc import Mapping

import pulumi


def tagging(tags: Mapping[str, str]) -> pulumi.ResourceTransformation:
    """A transformation that adds ``tags`` to every resource below the one that it is given to.

    The role tag ``tenant`` is load-bearing: the fences of shared buckets and keys read it.
    """

    def tag(args: pulumi.ResourceTransformationArgs) -> pulumi.ResourceTransformationResult | None:
        if not isinstance(args.resource, pulumi.CustomResource) or not hasattr(
            type(args.resource), "tags"
        ):
            return None
        return pulumi.ResourceTransformationResult({**args.props, "tags": tags}, args.opts)

    return tag
