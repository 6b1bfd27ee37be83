/** Two runs side by side: whether their events are the same, and the first that differs. */
import { useId, useState } from 'react'
import { useAnswer } from '../api/use-api.tsx'
import { age, count, inShort } from '../format.ts'
import { Answer } from '../parts/answer.tsx'
import { Button, Flex, Text } from '../parts/ui.tsx'
import { Value } from '../parts/value.tsx'
import { runRoute } from '../routes.ts'

/** The newest runs that are offered. Any other is named by its id. */
const maxOffered = 50

export function RunCompare({ run }: { readonly run: string }) {
  const { other = '' } = runRoute.useSearch()
  const navigate = runRoute.useNavigate()
  const [typed, setTyped] = useState(other)
  const id = useId()
  const { data } = useAnswer('runs.list', { query: { limit: maxOffered } })
  const offered = data?.items.filter((one) => one.id !== run) ?? []
  return (
    <>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          void navigate({ search: (search) => ({ ...search, other: typed.trim() }) })
        }}
      >
        <Flex gap="2" wrap="wrap" mb="2">
          <input
            className="grow"
            aria-label="Id of another run"
            placeholder="Another run: choose a recent one, or type an id …"
            list={id}
            value={typed}
            onChange={({ target }) => setTyped(target.value)}
          />
          <datalist id={id}>
            {offered.map(({ id: value, title, createdAt }) => (
              <option key={value} value={value} label={`${inShort(title, 80)}, ${age(createdAt)} old`} />
            ))}
          </datalist>
          <Button type="submit" look="soft" disabled={typed.trim() === ''}>
            Compare
          </Button>
        </Flex>
      </form>
      {other !== '' && <Difference run={run} other={other} />}
    </>
  )
}

function Difference({ run, other }: { readonly run: string; readonly other: string }) {
  const compared = useAnswer('runs.compare', { path: { run, other } })
  return (
    <Answer of={compared}>
      {({ identical, divergedAt, a, b }) =>
        identical ? (
          <Text as="p">Both runs have the same events.</Text>
        ) : (
          <>
            <Text as="p" mb="2">
              The runs differ{divergedAt === undefined ? '' : ` from event ${count(divergedAt)} on`}.
            </Text>
            <div className="beside">
              <div>
                <Text as="p" bold>
                  This run
                </Text>
                <Value value={a ?? 'It ended before.'} label="Event of this run" />
              </div>
              <div>
                <Text as="p" bold>
                  The other run
                </Text>
                <Value value={b ?? 'It ended before.'} label="Event of the other run" />
              </div>
            </div>
          </>
        )
      }
    </Answer>
  )
}
