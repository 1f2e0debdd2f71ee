import numpy as np

from data.populations.strains import random_stretch


def test_stretches_are_symmetric_within_their_limit_and_have_no_preferred_axis():
    rng = np.random.default_rng(0)
    F = np.array([random_stretch(0.2, rng) for _ in range(2000)])
    np.testing.assert_allclose(F, F.transpose(0, 2, 1), atol=1e-15)
    stretches = np.linalg.eigvalsh(F)
    assert stretches.min() > 0.8
    assert stretches.max() < 1.2
    # Uniform principal stretches have the variance 0.4^2/12; the trace is the sum of three.
    assert abs(np.trace(F, axis1=1, axis2=2).var() / (3 * 0.4**2 / 12) - 1) < 0.1
    assert np.abs(F.mean(axis=0) - np.eye(3)).max() < 0.01
