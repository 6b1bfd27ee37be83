/** Removes known secrets from texts about a failure, because stacks quote errors of other code. */
import { createRedactor, redacted } from '../../core/index.ts'

const secretNames = /(?:key|secret|password|token)s?$/i
const inUserinfo = /(\w:\/\/)[^\s/?#"']*:[^\s/?#"']*@/g
const inQuery = /([?&][\w-]*(?:key|secret|password|token)=)[^&\s#"'\\)]+/gi

/**
 * @param env variables, of which those named as keys, secrets, passwords and tokens are taken out
 * @param known what the configuration reads as secrets
 */
export function withoutSecrets(
  text: string,
  env: Readonly<Record<string, string | undefined>>,
  known: readonly string[] = [],
): string {
  const { addSecret, redact } = createRedactor()
  for (const [name, value] of Object.entries(env)) if (value && secretNames.test(name)) addSecret(value)
  for (const secret of known) addSecret(secret)
  return redact(text).replace(inUserinfo, `$1${redacted}@`).replace(inQuery, `$1${redacted}`)
}
