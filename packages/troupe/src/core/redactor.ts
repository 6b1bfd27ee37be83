/** Secrets of a process, so that whatever lets text out can take them out of it: logs, events, errors, screens, cassettes. */

export interface Redactor {
  /** From now on it is taken out. Texts of less than six characters stand in too many others by chance, and are not. */
  addSecret(secret: string): void
  /** The text with `[redacted]` where a secret stood, escaped as in JSON or a URL and in base64 too. */
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
  let all: readonly string[] = []
  return {
    addSecret(secret) {
      if (typeof secret !== 'string' || secret.length < shortestSecret || secretForms.has(secret)) return
      secretForms.set(secret, formsOf(secret))
      const [oldest] = secretForms.keys()
      if (secretForms.size > maxSecrets) secretForms.delete(oldest as string)
      all = [...new Set([...secretForms.values()].flat())].sort((a, b) => b.length - a.length)
    },
    redact(text) {
      let clean = text
      for (const form of all) if (clean.includes(form)) clean = clean.replaceAll(form, redacted)
      return clean
    },
  }
}

function formsOf(secret: string): readonly string[] {
  const base64 = Buffer.from(secret).toString('base64').replace(/=+$/, '')
  const url = secret.isWellFormed() ? encodeURIComponent(secret) : secret
  const json = JSON.stringify(secret).slice(1, -1)
  return [secret, json, JSON.stringify(json).slice(1, -1), url, base64]
}
