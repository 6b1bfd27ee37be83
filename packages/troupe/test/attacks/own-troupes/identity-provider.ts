/** An OpenID provider that answers as an attacker wants it to. */
import { createHmac, generateKeyPairSync, hash, type KeyObject } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { SignJWT } from 'jose'

export const clientId = 'troupe-studio'
export const clientSecret = 'a secret of the client, 32 bytes!'

/** What the next token differs in. */
export interface Difference {
  readonly claims?: Readonly<Record<string, unknown>>
  readonly issuer?: string
  readonly audience?: string
  readonly expiresIn?: number
  readonly key?: KeyObject
  /** Signed by nobody, or with what the client knows. */
  readonly algorithm?: 'none' | 'HS256'
}

export interface IdentityProvider {
  readonly issuer: string
  next: Difference
  /** A code as the provider's page gives it out. */
  issue(asked: URL): string
  close(): Promise<void>
}

const base64 = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')

export async function openIdentityProvider(): Promise<IdentityProvider> {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const jwk = { ...publicKey.export({ format: 'jwk' }), alg: 'ES256', kid: 'one', use: 'sig' }
  const codes = new Map<string, { readonly challenge: string; readonly nonce: string }>()
  const provider = { next: {} as Difference, issuer: '' }
  const tokenFor = async (nonce: string): Promise<string> => {
    const { claims, issuer, audience, expiresIn = 300, key, algorithm } = provider.next
    const now = Math.floor(Date.now() / 1_000)
    const payload = {
      ...{ sub: 'ada', roles: ['staff'], nonce, iss: issuer ?? provider.issuer, aud: audience ?? clientId },
      ...{ iat: now, exp: now + expiresIn },
      ...claims,
    }
    if (algorithm === undefined)
      return new SignJWT(payload).setProtectedHeader({ alg: 'ES256', kid: 'one' }).sign(key ?? privateKey)
    const text = `${base64({ alg: algorithm, kid: 'one' })}.${base64(payload)}`
    return algorithm === 'none'
      ? `${text}.`
      : `${text}.${createHmac('sha256', clientSecret).update(text).digest('base64url')}`
  }
  const server = createServer(async (request, response) => {
    const json = (value: unknown, status = 200) =>
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value))
    const { issuer } = provider
    if (request.url === '/.well-known/openid-configuration')
      return json({
        issuer,
        authorization_endpoint: `${issuer}/authorize`,
        token_endpoint: `${issuer}/token`,
        jwks_uri: `${issuer}/keys`,
        response_types_supported: ['code'],
        subject_types_supported: ['public'],
        id_token_signing_alg_values_supported: ['ES256', 'HS256', 'none'],
        code_challenge_methods_supported: ['S256'],
        authorization_response_iss_parameter_supported: true,
      })
    if (request.url === '/keys') return json({ keys: [jwk] })
    let text = ''
    for await (const chunk of request) text += chunk
    const form = new URLSearchParams(text)
    const known = codes.get(form.get('code') ?? '')
    codes.delete(form.get('code') ?? '')
    if (!known || known.challenge !== hash('sha256', form.get('code_verifier') ?? '', 'base64url'))
      return json({ error: 'invalid_grant' }, 400)
    return json({ access_token: 'opaque', token_type: 'Bearer', id_token: await tokenFor(known.nonce) })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  provider.issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return Object.assign(provider, {
    issue: ({ searchParams }: URL) => {
      const code = `code-${codes.size}-${searchParams.get('state')}`
      codes.set(code, { challenge: searchParams.get('code_challenge') ?? '', nonce: searchParams.get('nonce') ?? '' })
      return code
    },
    close: () => {
      server.closeAllConnections()
      return new Promise<void>((resolve) => server.close(() => resolve()))
    },
  })
}
