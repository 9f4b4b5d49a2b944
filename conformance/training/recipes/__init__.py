"""Recipes by name, as ``conformance compare`` takes them."""

from conformance.training.recipe import Recipe
from conformance.training.recipes.pos_weight import POS_WEIGHT

RECIPES: dict[str, Recipe] = {recipe.name: recipe for recipe in (POS_WEIGHT,)}
