"""Optimisers of the training loop."""

import torch
from torch import nn
from torch.optim import Optimizer

from lattice_gnn.training.config import TrainConfig

_SOAP_BETAS = (0.95, 0.95)  #: decay of the first and second moments, as published
_BASIS_STEPS = 10  #: steps between updates of the eigenbases


def build_optimiser(model: nn.Module, config: TrainConfig) -> Optimizer:
    """Build the optimiser of a run; its learning rate is set in every step.

    "soap" is Adam in the eigenbases of Shampoo's preconditioner, so that directions in which the
    weights of a layer act together are scaled by their own curvature.

    References:
        Loshchilov, Hutter, *Decoupled weight decay regularization*, ICLR 2019: AdamW.
        Vyas et al., *SOAP: improving and stabilizing Shampoo using Adam*, ICLR 2025.
    """
    if config.optimiser == "soap":
        # Imported on use: the package takes longer to load than the rest of a short run.
        from pytorch_optimizer import SOAP

        return SOAP(
            model.parameters(),
            lr=config.learning_rate,
            betas=_SOAP_BETAS,
            weight_decay=config.weight_decay,
            precondition_frequency=_BASIS_STEPS,
        )
    return torch.optim.AdamW(
        model.parameters(),
        lr=config.learning_rate,
        weight_decay=config.weight_decay,
        amsgrad=config.amsgrad,
        fused=True,
    )
