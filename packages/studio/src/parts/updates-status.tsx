/** Whether what is shown changes by itself: said in words, and announced when it changes. */
import { useUpdatesConnection } from '../api/use-api.tsx'
import { Status } from './status.tsx'

export function UpdatesStatus() {
  const connection = useUpdatesConnection()
  return (
    <span role="status" aria-label="Updates">
      {connection === 'open' && <Status status="live" />}
      {connection === 'connecting' && <Status status="connecting" />}
      {connection === 'lost' && <Status status="disconnected" reason="trying again" />}
      {connection === 'ended' && <Status status="not live" reason="asks every 15 s" />}
    </span>
  )
}
