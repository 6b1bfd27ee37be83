/** The encryption of a troupe as the application uses it: rotation and decryption are recorded in the audit log. */
import { checkOptions } from '../core/index.ts'
import { type AuditTrail, acting } from './audit/index.ts'
import type { Encryption, RotateOptions } from './encryption/encryption.ts'

/** Describes a rotation: the key that wraps data keys from then on, and whether stored values are re-encrypted. */
const rotated = ({ to, data }: RotateOptions) =>
  [typeof to === 'string' ? to : to?.id, ...(data ? ['data'] : [])].filter(Boolean).join(' ')

export const auditedEncryption = (encryption: Encryption, audit: Pick<AuditTrail, 'record'>): Encryption => ({
  status: () => encryption.status(),
  whenIdle: () => encryption.whenIdle(),
  rotate: async (options = {}) => {
    checkOptions('encryption.rotate', options, ['to', 'data'])
    return acting(audit, { operation: 'encryption.rotate', resource: rotated(options) }, () =>
      encryption.rotate(options),
    )
  },
  decrypt: () => acting(audit, { operation: 'encryption.decrypt' }, () => encryption.decrypt()),
})
