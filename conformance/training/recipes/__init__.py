"""Recipes by name, as ``conformance compare`` takes them."""

from conformance.training.recipe import Recipe
from conformance.training.recipes.extreme import EXTREME
from conformance.training.recipes.multilabel import MULTILABEL
from conformance.training.recipes.pos_weight import POS_WEIGHT
from conformance.training.recipes.smoothing import SMOOTHING
from conformance.training.recipes.stability import STABILITY

RECIPES: dict[str, Recipe] = {
    recipe.name: recipe
    for recipe in (POS_WEIGHT, MULTILABEL, SMOOTHING, STABILITY, EXTREME)
}
