/** Secrets of a process, so that whatever lets text out can take them out of it: logs, events, errors, screens, cassettes. */

export interface Redactor {
  /** From now on it is taken out. Texts of less than six characters stand in too many others by chance, and are not. */
  addSecret(secret: string): void
  /** The text with `[redacted]` where a secret stood, also escaped as in JSON or a URL, in hex, and in base64 after whatever bytes. */
  redact(text: string): string
}

export const redacted = '[redacted]'
export const shortestSecret = 6
/** Kept at once; the oldest, rotated long ago, gives way. */
const maxSecrets = 1_000

/** @example const redactor = createRedactor(); redactor.addSecret(password); log(redactor.redact(line)) */
export function createRedactor(): Redactor {
  const secretForms = new Map<string, readonly string[]>()
  // The longest first: one secret, or form of it, may hold another.
  let all: readonly string[] | undefined
  return {
    addSecret(secret) {
      if (typeof secret !== 'string' || secret.length < shortestSecret || secretForms.has(secret)) return
      secretForms.set(secret, formsOf(secret))
      const [oldest] = secretForms.keys()
      if (secretForms.size > maxSecrets) secretForms.delete(oldest as string)
      all = undefined
    },
    redact(text) {
      all ??= [...new Set([...secretForms.values()].flat())].sort((a, b) => b.length - a.length)
      let clean = text
      for (const form of all) if (clean.includes(form)) clean = clean.replaceAll(form, redacted)
      return clean
    },
  }
}

function formsOf(secret: string): readonly string[] {
  const bytes = Buffer.from(secret)
  const hex = bytes.toString('hex')
  const url = secret.isWellFormed() ? encodeURIComponent(secret) : secret
  const json = JSON.stringify(secret).slice(1, -1)
  return [
    secret,
    json,
    JSON.stringify(json).slice(1, -1),
    url,
    url.replace(/%../g, (byte) => byte.toLowerCase()),
    hex,
    hex.toUpperCase(),
    ...[hex, hex.toUpperCase()].map((digits) => digits.replace(/../g, '%$&')),
    ...[0, 1, 2].flatMap((offset) => [base64At(bytes, offset, 'base64'), base64At(bytes, offset, 'base64url')]),
  ]
}

/**
 * The letters of base64 that the secret alone decides where it stands after other bytes, as in `Basic` credentials: what
 * stands before it shifts it by 0, 1 or 2 bytes, and letters at its ends hold bits of its neighbours.
 */
function base64At(bytes: Buffer, offset: number, encoding: 'base64' | 'base64url'): string {
  const complete = Buffer.concat([Buffer.alloc(offset), bytes]).toString(encoding)
  return complete.slice(offset === 0 ? 0 : offset + 1, Math.floor(((offset + bytes.length) * 4) / 3))
}
