//! The signatures that tokens may have, checked by the cryptography that the program has anyway.

#[cfg(feature = "aws-lc")]
use aws_lc_rs::signature as crypto;
#[cfg(not(feature = "aws-lc"))]
use ring::signature as crypto;

use jsonwebtoken::crypto::{CryptoProvider, JwtVerifier, KeyUtils};
use jsonwebtoken::errors::{Error, ErrorKind};
use jsonwebtoken::signature::{Error as Invalid, Verifier};
use jsonwebtoken::{Algorithm, AlgorithmFamily, DecodingKey, DecodingKeyKind};

/// What identity providers sign with. A token with any other algorithm, `none` or a shared secret is refused before its signature is looked at.
pub(super) const ALGORITHMS: [Algorithm; 2] = [Algorithm::RS256, Algorithm::ES256];

static PROVIDER: CryptoProvider = CryptoProvider {
    signer_factory: |_, _| Err(ErrorKind::InvalidAlgorithm.into()),
    verifier_factory: |algorithm, key| verifier(*algorithm, key),
    key_utils: KeyUtils::new_unimplemented(),
};

/// Makes the verifier known to `jsonwebtoken`; doing so again changes nothing.
pub(super) fn install() {
    let _installed_before = PROVIDER.install_default();
}

fn verifier(algorithm: Algorithm, key: &DecodingKey) -> Result<Box<dyn JwtVerifier>, Error> {
    let rsa = algorithm == Algorithm::RS256 && key.family() == AlgorithmFamily::Rsa;
    let elliptic = algorithm == Algorithm::ES256 && key.family() == AlgorithmFamily::Ec;
    if !rsa && !elliptic {
        return Err(ErrorKind::InvalidAlgorithm.into());
    }
    Ok(Box::new(PublicKey {
        algorithm,
        key: key.clone(),
    }))
}

struct PublicKey {
    algorithm: Algorithm,
    key: DecodingKey,
}

impl Verifier<Vec<u8>> for PublicKey {
    fn verify(&self, message: &[u8], signature: &Vec<u8>) -> Result<(), Invalid> {
        let verified = match self.key.kind() {
            DecodingKeyKind::RsaModulusExponent { n, e } => {
                let parameters = &crypto::RSA_PKCS1_2048_8192_SHA256;
                crypto::RsaPublicKeyComponents { n, e }.verify(parameters, message, signature)
            }
            DecodingKeyKind::SecretOrDer(point) => {
                let parameters = &crypto::ECDSA_P256_SHA256_FIXED;
                crypto::UnparsedPublicKey::new(parameters, point).verify(message, signature)
            }
        };
        verified.map_err(|_| Invalid::new())
    }
}

impl JwtVerifier for PublicKey {
    fn algorithm(&self) -> Algorithm {
        self.algorithm
    }
}
