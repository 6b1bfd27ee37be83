/** Said once for the whole page; what has been typed stays where it is. */
import { Button, Callout } from '@radix-ui/themes'
import { useQueryClient } from '@tanstack/react-query'
import { useSignedOut } from '../api/use-api.tsx'

export function SignedOut() {
  const queries = useQueryClient()
  if (!useSignedOut()) return null
  return (
    <Callout.Root color="red" role="alert" mb="4">
      <Callout.Text>
        This browser is not signed in, or its session is over. Open the studio with a new link:{' '}
        <code>troupe api-keys link</code> gives one.
      </Callout.Text>
      <Button size="1" variant="classic" color="gray" onClick={() => void queries.invalidateQueries()}>
        Try again
      </Button>
    </Callout.Root>
  )
}
