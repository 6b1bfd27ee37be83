/** Signatures of messages, and the keys they are made with. */
export {
  type Claimed,
  createSignatures,
  type SignatureConfig,
  type SignatureProblem,
  type Signatures,
  type Signed,
  signaturesSchema,
  signatureWindowMs,
} from './signatures.ts'
export type { SigningKey } from './signing-key.ts'
