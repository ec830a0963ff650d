"""Fixed test credentials and references of the emulated organization.

They are constants, so that a test can name them without asking the emulator; none of them is
valid anywhere else.
"""

PROJECT_ALPHA = "proj_alphaemulatedproject"
PROJECT_BETA = "proj_betaemulatedproject0"
# Exists, but none of the emulated users is a member of its organization.
PROJECT_FOREIGN = "proj_foreignemulatedproj0"

BRANCH_FEATURE = "feature-xyz"
BRANCH_FIX = "fix-1"

# Root keys of project alpha.
TR_PROD = "tr_prod_AlphaProdRootKey00000001"
TR_STG = "tr_stg_AlphaStagingRootKey00002"
TR_DEV = "tr_dev_AlphaDevOwnerRootKey0003"
TR_DEV_OTHER = "tr_dev_AlphaDevOtherRootKey0004"
TR_PREVIEW = "tr_preview_AlphaPreviewRootKey00005"
# Replaced by a rotation; still accepted (24 h of grace), tokens signed with it too.
TR_PROD_ROTATED = "tr_prod_AlphaProdRotatedKey00006"

# Root keys of project beta.
TR_BETA_PROD = "tr_prod_BetaProdRootKey000000007"
TR_BETA_STG = "tr_stg_BetaStagingRootKey000008"
TR_BETA_DEV = "tr_dev_BetaDevOwnerRootKey00009"

# Root keys of the foreign project.
TR_FOREIGN_PROD = "tr_prod_ForeignProdRootKey000010"

# Additional keys of alpha's prod environment (the text after _sk_ has 24 characters).
TR_PROD_SK = "tr_prod_sk_AlphaAdditionalFull00001"
TR_PROD_SK_RO = "tr_prod_sk_AlphaAdditionalRead00002"
TR_PROD_SK_ENVVARS_RO = "tr_prod_sk_AlphaAdditionalEnvs00003"
TR_PROD_SK_EXPIRED = "tr_prod_sk_AlphaAdditionalExpd00004"
TR_PROD_SK_REVOKED = "tr_prod_sk_AlphaAdditionalRevd00005"

# Personal access tokens (40 characters after the prefix): two members of one organization.
PAT = "tr_pat_owner0000000000000000000000000000000000a"
PAT_OTHER = "tr_pat_other0000000000000000000000000000000000b"
PAT_REVOKED = "tr_pat_revoked00000000000000000000000000000000c"


def all_credentials():
    """Return the constants of this module as an ordered name -> value mapping."""
    return {
        name: value
        for name, value in globals().items()
        if name.isupper() and isinstance(value, str)
    }
