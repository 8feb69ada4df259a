// The places of the art director's output that name something handed over.
import type { Reference } from '../upstream.ts';
import type { PixelData } from './schema.ts';

export function upstreamReferences({ concepts, images }: PixelData): Reference[] {
  return [
    ...concepts.map(({ pillar_id: id }, index) => ({
      path: `data.concepts[${index}].pillar_id`,
      agent: 'vision',
      list: 'pillars',
      id,
    })),
    ...images.map(({ headline_id: id }, index) => ({
      path: `data.images[${index}].headline_id`,
      agent: 'echo',
      list: 'headlines',
      id,
    })),
  ];
}
