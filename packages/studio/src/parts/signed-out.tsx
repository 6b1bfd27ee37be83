/** Said once for the whole page; what has been typed stays where it is. */

import { useQueryClient } from '@tanstack/react-query'
import { useSignedOut } from '../api/use-api.tsx'
import { Button, Notice } from './ui.tsx'

export function SignedOut() {
  const queries = useQueryClient()
  if (!useSignedOut()) return null
  return (
    <Notice color="red" mb="4">
      <p>
        This browser is not signed in, or its session is over. Open the studio with a new link:{' '}
        <code>troupe api-keys link</code> gives one.
      </p>
      <Button small look="soft" onClick={() => void queries.invalidateQueries()}>
        Try again
      </Button>
    </Notice>
  )
}
