"""The networks of the built-in model, as diffusers and transformers classes."""

from diffusers import AutoencoderKL, DPMSolverMultistepScheduler, UNet2DConditionModel
from transformers import CLIPTextConfig, CLIPTextModel

from generation.builtin.drawing import HEIGHT, WIDTH

LATENT_CHANNELS = 8
"""Four, as in Stable Diffusion, lost a whole dimension of colour at this size."""
LATENT_FACTOR = 4
"""Pixels per latent cell along each side."""
TEXT_WIDTH = 128
TEXT_LENGTH = 77

SCHEDULE = {
    "num_train_timesteps": 1000,
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "prediction_type": "v_prediction",
    "rescale_betas_zero_snr": True,
    "timestep_spacing": "trailing",
}
"""Noise schedule; zero signal at the last step, so that a paper colour is free to be anything."""


def new_vae() -> AutoencoderKL:
    """Autoencoder (B,3,96,64) in -1..1 ↔ latents (B,8,24,16); convolutions only."""
    return AutoencoderKL(
        in_channels=3,
        out_channels=3,
        down_block_types=("DownEncoderBlock2D",) * 3,
        up_block_types=("UpDecoderBlock2D",) * 3,
        block_out_channels=(24, 48, 64),
        layers_per_block=1,
        latent_channels=LATENT_CHANNELS,
        norm_num_groups=8,
        sample_size=HEIGHT,
        scaling_factor=1.0,
        mid_block_add_attention=False,
    )


def new_unet() -> UNet2DConditionModel:
    """Denoiser of latents (B,8,24,16) that reads text states (B,77,128).

    The states reach the coarse level by cross-attention, and every level pooled, with the time.
    """
    return UNet2DConditionModel(
        sample_size=(HEIGHT // LATENT_FACTOR, WIDTH // LATENT_FACTOR),
        in_channels=LATENT_CHANNELS,
        out_channels=LATENT_CHANNELS,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        block_out_channels=(64, 128),
        layers_per_block=1,
        cross_attention_dim=TEXT_WIDTH,
        attention_head_dim=4,
        addition_embed_type="text",
        addition_embed_type_num_heads=8,
        norm_num_groups=16,
    )


def new_text_encoder(vocabulary: int, end: int) -> CLIPTextModel:
    """Text encoder for token ids (B,77) below `vocabulary`; `end` is the end-of-text id."""
    return CLIPTextModel(
        CLIPTextConfig(
            vocab_size=vocabulary,
            hidden_size=TEXT_WIDTH,
            intermediate_size=TEXT_WIDTH * 4,
            num_hidden_layers=2,
            num_attention_heads=4,
            max_position_embeddings=TEXT_LENGTH,
            projection_dim=TEXT_WIDTH,
            hidden_act="quick_gelu",
            bos_token_id=end - 1,
            eos_token_id=end,
            pad_token_id=end,
        )
    )


def new_scheduler() -> DPMSolverMultistepScheduler:
    """DPM-Solver++ over SCHEDULE."""
    return DPMSolverMultistepScheduler(**SCHEDULE, steps_offset=1)
