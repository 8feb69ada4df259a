// The places of the producer's output that name something handed over.
import type { Reference } from '../upstream.ts';
import type { ReelData } from './schema.ts';

export function upstreamReferences({ videos }: ReelData): Reference[] {
  return videos.flatMap((video, index) => {
    const path = `data.videos[${index}]`;
    return [
      { path: `${path}.audience_id`, agent: 'vision', list: 'audiences', id: video.audience_id },
      { path: `${path}.pillar_id`, agent: 'vision', list: 'pillars', id: video.pillar_id },
      { path: `${path}.angle_id`, agent: 'echo', list: 'angles', id: video.angle_id },
      {
        path: `${path}.thumbnail_image_id`,
        agent: 'pixel',
        list: 'images',
        id: video.thumbnail_image_id,
      },
    ];
  });
}
