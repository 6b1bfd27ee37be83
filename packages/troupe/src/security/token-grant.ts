/** The stored part of the token with which a schedule was created; the token itself is not stored. */

/** @param until when the token ends, in seconds since 1970 */
export const tokenGrant = (id: string, until: number): string => `${id}:${until}`

/** @returns true if the token has not expired; undefined for the grant of a key or session */
export function isTokenValid(grant: string, nowMs: number): boolean | undefined {
  if (!grant.startsWith('token:')) return undefined
  return Number(grant.slice(grant.lastIndexOf(':') + 1)) * 1_000 > nowMs
}
