/** What a schedule stores of the token by which it was made: a token is stored nowhere else. */

/** @param until when the token ends, in seconds since 1970 */
export const tokenGrant = (id: string, until: number): string => `${id}:${until}`

/** @returns whether the token has not ended; undefined for the grant of a key or session */
export function isTokenValid(grant: string, nowMs: number): boolean | undefined {
  if (!grant.startsWith('token:')) return undefined
  return Number(grant.slice(grant.lastIndexOf(':') + 1)) * 1_000 > nowMs
}
