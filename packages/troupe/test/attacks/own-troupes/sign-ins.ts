/** Sign-ins by an identity provider: answers of others, of earlier, forged, and addresses to be sent on to. */
import { generateKeyPairSync } from 'node:crypto'
import { createTroupe } from '../../../src/index.ts'
import { serve } from '../../../src/server/index.ts'
import {
  clientId,
  clientSecret,
  type Difference,
  type IdentityProvider,
  openIdentityProvider,
} from './identity-provider.ts'
import { expectHarmless, type OwnAttack, ownRows } from './own-storage.ts'

/** A browser: it begins a sign-in, and comes back from the provider. */
interface Browser {
  begin(path?: string): Promise<{ readonly asked: URL; readonly cookie: string }>
  /** @returns where it is sent, and the session that it got */
  back(url: URL, cookie: string): Promise<{ readonly to: string; readonly session: string | undefined }>
}

const cookieIn = (headers: Headers, name: string) =>
  headers
    .getSetCookie()
    .map((one) => one.split(';')[0] ?? '')
    .find((one) => one.startsWith(name) && !one.endsWith('='))

const browserAt = (site: string): Browser => ({
  async begin(path = '/login') {
    const { headers } = await fetch(site + path, { redirect: 'manual' })
    return { asked: new URL(headers.get('location') ?? ''), cookie: cookieIn(headers, 'troupe_login') ?? '' }
  },
  async back({ pathname, search }, cookie) {
    const { headers } = await fetch(site + pathname + search, { redirect: 'manual', headers: { cookie } })
    return { to: headers.get('location') ?? '', session: cookieIn(headers, 'troupe_session') }
  },
})

function backOf(asked: URL, code: string, more: Readonly<Record<string, string>> = {}): URL {
  const back = new URL(asked.searchParams.get('redirect_uri') ?? '')
  back.searchParams.set('code', code)
  back.searchParams.set('state', asked.searchParams.get('state') ?? '')
  for (const [name, value] of Object.entries(more)) back.searchParams.set(name, value)
  return back
}

type Attempt = (browser: Browser, provider: IdentityProvider, other: IdentityProvider) => Promise<string | undefined>

const tried =
  (attempt: Attempt): OwnAttack =>
  async ({ storage }) => {
    const [provider, other] = [await openIdentityProvider(), await openIdentityProvider()]
    const troupe = await createTroupe({ storage, log: 'silent', egress: { privateAddresses: ['127.0.0.1'] } })
    const oidc = { issuer: provider.issuer, clientId, clientSecret, roles: { staff: 'contributor' } } as const
    const site = await serve(troupe, { port: 0, oidc, rateLimit: false })
    try {
      const browser = browserAt(site.url)
      const { asked, cookie } = await browser.begin()
      const honest = await browser.back(backOf(asked, provider.issue(asked), { iss: provider.issuer }), cookie)
      expectHarmless(honest.session !== undefined && honest.to === '/', `an honest person got ${honest.to}`)
      return await attempt(browser, provider, other)
    } finally {
      await site.close()
      await troupe.close()
      for (const one of [provider, other]) await one.close()
    }
  }

const token = (difference: (provider: IdentityProvider, other: IdentityProvider) => Difference) =>
  tried(async (browser, provider, other) => {
    const { asked, cookie } = await browser.begin()
    provider.next = difference(provider, other)
    return (await browser.back(backOf(asked, provider.issue(asked), { iss: provider.issuer }), cookie)).session
  })

/** Of a sign-in that the attacker began in a browser of the own. */
const crossed = (change: (own: URL, others: URL) => URL, cookieOf: 'own' | 'none' | 'others' = 'own') =>
  tried(async (browser, provider) => {
    const [own, others] = [await browser.begin(), await browser.begin()]
    const iss = { iss: provider.issuer }
    const ownBack = backOf(own.asked, provider.issue(own.asked), iss)
    const othersBack = backOf(others.asked, provider.issue(others.asked), iss)
    const cookie = cookieOf === 'own' ? own.cookie : cookieOf === 'others' ? others.cookie : ''
    return (await browser.back(change(ownBack, othersBack), cookie)).session
  })

const withQuery = (url: URL, name: string, value: string): URL => {
  const changed = new URL(url)
  changed.searchParams.set(name, value)
  return changed
}

export const signIns = ownRows(
  'sign-in',
  { family: 'identity', source: 'whoever sends a browser somewhere', goal: 'sign in as another person' },
  {
    'a state of another sign-in': crossed((own, others) =>
      withQuery(own, 'state', others.searchParams.get('state') ?? ''),
    ),
    'a code of another sign-in': crossed((own, others) =>
      withQuery(own, 'code', others.searchParams.get('code') ?? ''),
    ),
    'the answer to the sign-in of another': crossed((_, others) => others),
    'without the cookie of the browser': crossed((own) => own, 'none'),
    'without a state': crossed((own) => withQuery(own, 'state', '')),
    'an answer that is repeated': tried(async (browser, provider) => {
      const { asked, cookie } = await browser.begin()
      const back = backOf(asked, provider.issue(asked), { iss: provider.issuer })
      expectHarmless((await browser.back(back, cookie)).session !== undefined, 'the first time was rejected')
      return (await browser.back(back, cookie)).session
    }),
    'a nonce of another sign-in': token(() => ({ claims: { nonce: 'another' } })),
    'a token without a nonce': token(() => ({ claims: { nonce: undefined } })),
    'a mix-up: an answer that names another issuer': tried(async (browser, provider, other) => {
      const { asked, cookie } = await browser.begin()
      return (await browser.back(backOf(asked, provider.issue(asked), { iss: other.issuer }), cookie)).session
    }),
    'a mix-up: a token of another issuer': token((_, { issuer }) => ({ issuer })),
    'a token without a signature': token(() => ({ algorithm: 'none' })),
    'a token signed with the secret of the client': token(() => ({ algorithm: 'HS256' })),
    'a token signed with another key': token(() => ({
      key: generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey,
    })),
    'an expired token': token(() => ({ expiresIn: -300 })),
    'a token for another audience': token(() => ({ audience: 'another-client' })),
    'a token for two audiences, issued to the other': token(() => ({
      claims: { aud: [clientId, 'another-client'], azp: 'another-client' },
    })),
    'a person without a role': token(() => ({ claims: { roles: ['visitors'] } })),
    'an address to be sent on to': tried(async (browser, provider) => {
      const evil = 'https://evil.test/'
      const query = ['returnTo', 'return_to', 'redirect', 'redirect_uri', 'next', 'to', 'url', 'continue']
        .map((name) => `${name}=${encodeURIComponent(evil)}`)
        .join('&')
      const { asked, cookie } = await browser.begin(`/login?${query}`)
      if (asked.origin !== provider.issuer) return asked.href
      const redirect = asked.searchParams.get('redirect_uri') ?? ''
      if (redirect.includes('evil')) return redirect
      const more = { iss: provider.issuer, ...Object.fromEntries(new URLSearchParams(query)) }
      const { to } = await browser.back(backOf(asked, provider.issue(asked), more), cookie)
      return to.includes('evil') ? to : undefined
    }),
    'a host header of the attacker': tried(async (browser) => {
      const { asked } = await browser.begin('//evil.test/login').catch(() => ({ asked: new URL('about:blank') }))
      return (asked.searchParams.get('redirect_uri') ?? '').includes('evil') ? asked.href : undefined
    }),
  },
)
