/** The topology of a run, with what each node does just now. */
import dagre from '@dagrejs/dagre'
import { useThemeContext } from '@radix-ui/themes'
import {
  Background,
  type Edge,
  Handle,
  MarkerType,
  type Node,
  type NodeProps,
  Position,
  ReactFlow,
} from '@xyflow/react'
import { type CSSProperties, useMemo, useSyncExternalStore } from 'react'
import type { Topology } from '../api/shapes.ts'
import type { StepState } from '../run-state.ts'
import { Status } from './status.tsx'

type AgentNode = Node<
  { readonly label: string; readonly kind: string; readonly state: StepState | undefined; readonly isNarrow: boolean },
  'agent'
>

const width = 168
const height = 60

function AgentBox({ data }: NodeProps<AgentNode>) {
  return (
    <div className={`node node-${data.kind} node-${data.state ?? 'idle'}`}>
      <Handle type="target" position={data.isNarrow ? Position.Top : Position.Left} isConnectable={false} />
      <span className="node-name">{data.label}</span>
      {data.state && <Status status={data.state} />}
      <Handle type="source" position={data.isNarrow ? Position.Bottom : Position.Right} isConnectable={false} />
    </div>
  )
}

const nodeTypes = { agent: AgentBox }

/** On a phone a team is drawn from top to bottom: side by side it would be too small to read. */
const phone = matchMedia('(max-width: 40rem)')
const subscribe = (changed: () => void) => {
  phone.addEventListener('change', changed)
  return () => phone.removeEventListener('change', changed)
}

interface GraphProps {
  readonly topology: Topology
  readonly stateOf: (node: string) => StepState | undefined
}

export function Graph({ topology, stateOf }: GraphProps) {
  const { appearance } = useThemeContext()
  const isNarrow = useSyncExternalStore(subscribe, () => phone.matches)
  const places = useMemo(() => layout(topology, isNarrow), [topology, isNarrow])
  const nodes: AgentNode[] = topology.nodes.map(({ name, kind }) => ({
    id: name,
    type: 'agent',
    position: places.get(name) ?? { x: 0, y: 0 },
    data: { label: name, kind, state: stateOf(name), isNarrow },
    ariaLabel: `${name}, ${stateOf(name) ?? 'not begun'}`,
    draggable: false,
    connectable: false,
  }))
  const edges: Edge[] = topology.edges.map(({ from, to, type }, i) => ({
    id: `${i}`,
    source: from,
    target: to,
    animated: stateOf(to) === 'working',
    ...(type === 'invoke' ? {} : { label: type }),
    markerEnd: { type: MarkerType.ArrowClosed },
  }))
  return (
    <div className="graph" style={{ '--graph-height': `${tall(places) + 96}px` } as CSSProperties}>
      <ReactFlow
        key={isNarrow ? 'narrow' : 'wide'}
        nodes={nodes}
        edges={edges}
        nodeTypes={nodeTypes}
        fitView
        fitViewOptions={{ maxZoom: 1, padding: 0.1 }}
        nodesFocusable
        edgesFocusable={false}
        nodesConnectable={false}
        zoomOnScroll={false}
        preventScrolling={false}
        minZoom={0.2}
        colorMode={appearance === 'dark' ? 'dark' : 'light'}
        proOptions={{ hideAttribution: true }}
      >
        <Background />
      </ReactFlow>
    </div>
  )
}

/** px from the highest node to the lowest. */
function tall(places: ReadonlyMap<string, { readonly y: number }>): number {
  const tops = [...places.values()].map(({ y }) => y)
  return Math.max(0, ...tops) - Math.min(0, ...tops) + height
}

function layout(
  { nodes, edges }: Topology,
  isNarrow: boolean,
): ReadonlyMap<string, { readonly x: number; readonly y: number }> {
  const graph = new dagre.graphlib.Graph()
  graph.setGraph({ rankdir: isNarrow ? 'TB' : 'LR', nodesep: 24, ranksep: isNarrow ? 36 : 56 })
  graph.setDefaultEdgeLabel(() => ({}))
  for (const { name } of nodes) graph.setNode(name, { width, height })
  for (const { from, to } of edges) graph.setEdge(from, to)
  dagre.layout(graph)
  return new Map(
    nodes.map(({ name }) => {
      const { x, y } = graph.node(name) as { readonly x: number; readonly y: number }
      return [name, { x: x - width / 2, y: y - height / 2 }]
    }),
  )
}
