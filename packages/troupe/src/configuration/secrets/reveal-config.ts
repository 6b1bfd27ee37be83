/** Replaces the references in a configuration by their secrets; from then on each is redacted from all output. */
import { fieldOf, invalidInput, type Redactor } from '../../core/index.ts'
import type { MessagingConfig } from '../../messaging/index.ts'
import { type EncryptionConfig, isSecretReference, type Secrets } from '../../security/index.ts'
import type { PostgresOptions } from '../../storage/index.ts'
import type { TroupeConfig } from '../troupe-config.ts'

/** Keys of models stay references: they are requested before each call, since they may change. */
export interface RevealedConfig extends Omit<TroupeConfig, 'storage' | 'encryption' | 'messaging'> {
  readonly storage: string | PostgresOptions
  readonly encryption?: EncryptionConfig
  readonly messaging?: MessagingConfig
}

/** @throws NotFoundError `secret.missing`, ExternalServiceError `secret.failed` */
export async function revealConfig(
  config: TroupeConfig,
  secrets: Secrets,
  redactor: Redactor,
): Promise<RevealedConfig> {
  addSecrets(config, redactor)
  const { encryption, messaging, audit } = config
  const signatures = messaging?.signatures
  const revealed = {
    storage: await secrets.revealAll(withLivePassword(config.storage, secrets, redactor)),
    ...(encryption && 'keys' in encryption
      ? { encryption: { ...encryption, keys: await secrets.revealAll(encryption.keys) } }
      : {}),
    ...(signatures?.keys
      ? { messaging: { ...messaging, signatures: { ...signatures, keys: await secrets.revealAll(signatures.keys) } } }
      : {}),
    ...(audit?.checkpoints?.key
      ? {
          audit: {
            ...audit,
            checkpoints: { ...audit.checkpoints, key: await secrets.revealAll(audit.checkpoints.key) },
          },
        }
      : {}),
  }
  addSecrets(revealed, redactor)
  return { ...config, ...revealed } as RevealedConfig
}

/** The password of a database may be a token that expires, so it is requested for each connection. */
function withLivePassword(storage: TroupeConfig['storage'], secrets: Secrets, redactor: Redactor): unknown {
  if (typeof fieldOf(storage, 'then') === 'function') throw invalidInput('storage', 'it is a promise: await it first')
  if (typeof storage !== 'object' || !('password' in storage)) return storage
  const { password } = storage
  if (password === undefined || typeof password === 'string') return storage
  return {
    ...storage,
    async password() {
      const found = await (typeof password === 'function' ? password() : secrets.reveal(password))
      redactor.addSecret(found)
      return found
    },
  }
}

const names = /^(key|apiKey|secret|password|privateKey)$/
const withPassword = /^\w+:\/\/[^@]*?:(.*)@/s

/** Redacts the secrets that the configuration contains itself. */
function addSecrets(
  { storage, encryption, messaging, models, audit }: { readonly [Name in keyof TroupeConfig]?: unknown },
  redactor: Redactor,
): void {
  // A model of the registry is an object of the application, which may have cycles.
  const seen = new Set<object>()
  const walk = (value: unknown, name: string, hidden: boolean): void => {
    if (typeof value === 'string') {
      if (hidden || names.test(name)) redactor.addSecret(value)
      const password = withPassword.exec(value)?.[1]
      if (password) redactor.addSecret(password)
    }
    // The name of a secret is not secret, and an error needs it.
    if (typeof value !== 'object' || value === null || isSecretReference(value) || seen.has(value)) return
    seen.add(value)
    if (Array.isArray(value)) for (const one of value) walk(one, name, hidden)
    else if (Object.getPrototypeOf(value) === Object.prototype)
      for (const [key, one] of Object.entries(value)) walk(one, key, hidden || (key === 'keys' && name === 'models'))
  }
  walk({ storage, encryption, messaging, models, audit }, '', false)
}
