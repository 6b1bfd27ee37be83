/** Secrets of a process, so that whatever lets text out can take them out of it: logs, events, errors, screens, cassettes. */

export interface Redactor {
  /**
   * Redacts the secret from now on. A text of less than six characters is not redacted, since it occurs in other texts
   * by chance.
   */
  addSecret(secret: string): void
  /**
   * Returns the text with `[redacted]` in place of each secret, also escaped as in JSON or a URL, in hex, and in base64
   * after any bytes.
   */
  redact(text: string): string
}

export const redacted = '[redacted]'
export const shortestSecret = 6
/** The maximal number of secrets. */
const maxSecrets = 1_000
/**
 * So many are never dropped: those that a process adds once, at its start. Beyond the maximum, the oldest of the others is
 * dropped: a short-lived one that was rotated long ago.
 */
const permanentSecrets = 500

/** @example const redactor = createRedactor(); redactor.addSecret(password); log(redactor.redact(line)) */
export function createRedactor(): Redactor {
  const secretForms = new Map<string, readonly string[]>()
  // The longest first: one secret, or form of it, may hold another.
  let all: readonly string[] | undefined
  return {
    addSecret(secret) {
      if (typeof secret !== 'string' || secret.length < shortestSecret || secretForms.has(secret)) return
      secretForms.set(secret, formsOf(secret))
      if (secretForms.size > maxSecrets) secretForms.delete([...secretForms.keys()][permanentSecrets] as string)
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
 * The base64 characters that depend on the secret alone if it follows other bytes, as in `Basic` credentials. The bytes
 * before shift it by 0, 1 or 2 bytes, and the characters at its ends have bits of its neighbours.
 */
function base64At(bytes: Buffer, offset: number, encoding: 'base64' | 'base64url'): string {
  const complete = Buffer.concat([Buffer.alloc(offset), bytes]).toString(encoding)
  return complete.slice(offset === 0 ? 0 : offset + 1, Math.floor(((offset + bytes.length) * 4) / 3))
}
