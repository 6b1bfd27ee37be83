/** Said once for the whole page; typed text stays where it is. */

import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { readSession, signIn } from '../api/session.ts'
import { ErrorNotice } from './answer.tsx'
import { Button, Flex, Notice } from './ui.tsx'
import { useCommand } from './use-command.ts'

export default function SignedOut() {
  const queries = useQueryClient()
  const refresh = () => void queries.invalidateQueries()
  return (
    <Notice color="red" mb="4">
      <p>
        This browser is not signed in, or its session is over. Sign in with an API key, or open the studio with a new
        link: <code>troupe api-keys link</code> gives one.
      </p>
      <KeyForm signedIn={refresh} />
      <Flex gap="2" align="center" wrap="wrap">
        <ProviderLink />
        <Button small look="soft" onClick={refresh}>
          Try again
        </Button>
      </Flex>
    </Notice>
  )
}

function KeyForm({ signedIn }: { readonly signedIn: () => void }) {
  const [key, setKey] = useState('')
  const { busy, error, run: perform } = useCommand()
  const isMissing = key.trim() === ''
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault()
        if (isMissing || busy) return
        void perform(async () => {
          await signIn(key.trim())
          signedIn()
        })
      }}
    >
      <Flex gap="2" align="center" wrap="wrap" my="2">
        <input
          type="password"
          aria-label="API key"
          placeholder="API key"
          autoComplete="current-password"
          value={key}
          onChange={({ target }) => setKey(target.value)}
        />
        <Button type="submit" disabled={isMissing} aria-disabled={isMissing || busy}>
          Sign in
        </Button>
      </Flex>
      {error && <ErrorNotice error={error} />}
    </form>
  )
}

function ProviderLink() {
  const { data } = useQuery({ queryKey: ['session'], queryFn: ({ signal }) => readSession(signal), retry: false })
  return data?.provider ? <a href="/login">Sign in with your organisation</a> : null
}
