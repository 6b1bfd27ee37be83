/** Where secrets are kept: the environment, files, a command, or a vault of one's own behind this port. */

export interface SecretValue {
  /** The secret, 1 to 65,536 characters. */
  readonly value: string
  /** ISO text, a Date, or ms since 1970: from then on it is asked for anew. Absent: it stays. */
  readonly expiresAt?: string | number | Date | undefined
}

/**
 * @example
 * const vault: SecretSource = { get: async (name) => ({ value: await client.read(name), expiresAt: Date.now() + 600_000 }) }
 */
export interface SecretSource {
  /** @returns undefined where it has no secret of this name */
  get(name: string): Promise<SecretValue | undefined> | SecretValue | undefined
}
