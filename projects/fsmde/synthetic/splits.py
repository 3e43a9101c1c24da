"""How many scenes a world has where nobody says it."""

SPLITS = ('train', 'val', 'test')
DEFAULTS = {
    'student': dict(train_scenes=18, val_scenes=3, test_scenes=6, frames_per_scene=4),
    'teacher': dict(train_scenes=30, val_scenes=3, test_scenes=3, frames_per_scene=2),
    'elsewhere': dict(train_scenes=18, val_scenes=3, test_scenes=6, frames_per_scene=4),
}
