/** The port of the sources of secrets: the environment, files, a command, or a vault of the application. */

export interface SecretValue {
  /** The secret, 1 to 65,536 characters. */
  readonly value: string
  /**
   * The time from which the secret is requested again: ISO text, a Date, or ms since 1970. Absent: it does not expire.
   */
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
