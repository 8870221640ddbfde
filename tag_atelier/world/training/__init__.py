"""How the miniature world's weights were made: networks, pictures, and one script a part. Nothing at run time imports it."""
