import { Card, Flex, Grid, Heading, Link, Text } from '@radix-ui/themes'
import type { Page } from '../api/client.ts'
import type { Summary } from '../api/shapes.ts'
import { useAnswer } from '../api/use-api.tsx'
import { count } from '../format.ts'
import { Answer } from '../parts/answer.tsx'
import { Section } from '../parts/section.tsx'
import { Status } from '../parts/status.tsx'
import { linkTo } from '../route.ts'
import { RunTable } from './runs.tsx'

const shown = ['running', 'waiting', 'completed', 'failed'] as const

export function Home() {
  const runs = useAnswer<Page<Summary>>('/v1/runs', { query: { limit: 100 }, every: 3_000 })
  const ready = useAnswer<{ readonly status: string }>('/ready', { every: 5_000 })
  const of = (status: string) => runs.data?.items.filter((run) => run.status === status).length ?? 0
  return (
    <>
      <Flex align="center" gap="3" mb="4" wrap="wrap">
        <Heading as="h1" size="6">
          Home
        </Heading>
        <Status status={ready.data?.status ?? (ready.error ? 'failed' : 'waiting')} />
      </Flex>
      <Grid columns={{ initial: '2', sm: '4' }} gap="3" mb="5">
        {shown.map((status) => (
          <Card key={status}>
            <Text as="p" size="2" color="gray">
              {status}
            </Text>
            <Text as="p" size="7" weight="bold">
              {count(of(status))}
            </Text>
          </Card>
        ))}
      </Grid>
      <Section title="Newest runs" beside={<Link href={linkTo('runs')}>All runs</Link>}>
        <Answer
          of={runs}
          none={{
            when: ({ items }) => items.length === 0,
            say: (
              <>
                No run has begun. <Link href={linkTo('try')}>Start one</Link>.
              </>
            ),
          }}
        >
          {({ items }) => <RunTable runs={items.slice(0, 10)} />}
        </Answer>
      </Section>
    </>
  )
}
