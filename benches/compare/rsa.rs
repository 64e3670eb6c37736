//! What one check of a signature costs that no remote can do without.

use std::{
    env,
    hint::{black_box, spin_loop},
    process::Stdio,
    time::Duration,
};

use anyhow::Result;
use aws_lc_rs::{
    rsa::PublicKeyComponents,
    signature::{KeyPair, RSA_PKCS1_2048_8192_SHA256, RsaKeyPair, RsaPublicKeyComponents},
};

use crate::{
    child::{Killed, end_with_parent},
    cpu,
    fits::Fit,
    pinned,
};

/// To measure for: the kernel counts in hundredths of a second.
const ENOUGH: Duration = Duration::from_secs(1);

/// CPU time of one RSA-2048 verification with SHA-256, the key parsed before.
pub(crate) fn verification(key: &RsaKeyPair, fits: &[Fit]) -> Result<Duration> {
    let public = PublicKeyComponents::<Vec<u8>>::from(key.public_key());
    let key = RsaPublicKeyComponents {
        n: public.n,
        e: public.e,
    }
    .to_parsed_public_key(&RSA_PKCS1_2048_8192_SHA256)?;
    // Under load both cores are busy, which makes each a little slower.
    let mut busy = pinned::command(env::current_exe()?);
    let _busy = Killed::spawn(busy.arg("busy").stdin(Stdio::piped()))?;
    let signed: Vec<_> = fits.iter().take(1000).map(Fit::parts).collect();
    let mut count = 0;
    let began = cpu::of_thread()?;
    loop {
        for (message, signature) in &signed {
            key.verify_sig(black_box(message), black_box(signature))?;
            count += 1;
        }
        let used = cpu::of_thread()?.saturating_sub(began);
        if used >= ENOUGH {
            return Ok(used / count);
        }
    }
}

/// Takes all the time of a core.
pub(crate) fn keep_busy() -> ! {
    end_with_parent();
    loop {
        spin_loop();
    }
}
