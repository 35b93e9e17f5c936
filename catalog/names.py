"""What people call a product and a version; from the desk's own tables, never from AWS."""

from catalog.models import Product, Version


def lookup(product_id: str, artifact_id: str) -> tuple[str, str]:
    """(product name, version name); the empty string for what the catalogue does not know yet."""
    product = Product.objects.filter(product_id=product_id).values_list("name", flat=True).first()
    version = (
        Version.objects.filter(artifact_id=artifact_id, product__product_id=product_id)
        .values_list("name", flat=True)
        .first()
    )
    return product or "", version or ""
