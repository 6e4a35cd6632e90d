-- 20,000 therapists, the same at every run, with calendars of their own. Words are written as keystrokes, as the search keeps them.
SELECT setseed(0.4);

CREATE TEMPORARY TABLE region (code text, names text);
INSERT INTO region VALUES
    ('11', 'tjdnfxmrquftl tjdnf seoul'), ('11110', 'tjdnfxmrquftl whdfhrn tjdnf seoul'),
    ('11140', 'tjdnfxmrquftl wndrn tjdnf seoul'), ('11680', 'tjdnfxmrquftl rkdskarn tjdnf seoul'),
    ('26', 'qntksrhkddurtl qntks busan'), ('26110', 'qntksrhkddurtl wndrn qntks busan'),
    ('27', 'eornrhkddurtl eorn daegu'), ('28125', 'dlscjsrhkddurtl wpanfvhrn dlscjs incheon'),
    ('30', 'eowjsrhkddurtl eowjs daejeon'), ('41', 'rudrleh rudrl gyeonggi'),
    ('41110', 'rudrleh tndnjstl tndnjstl rudrl gyeonggi'), ('41111', 'rudrleh tndnjstl wkddksrn rudrl gyeonggi'),
    ('43', 'cndcjdqnreh cndqnr north chungcheong'), ('44', 'cndcjdskaeh cndska south chungcheong'),
    ('47', 'rudtkdqnreh rudqnr north gyeongsang'), ('48', 'rudtkdskaeh rudska south gyeongsang'),
    ('50', 'wpwnxmrquf wkclreh wpwn jeju'), ('51', 'rkddnjsxmrquf wkclreh rkddnjs gangwon'),
    ('52', 'wjsqnrxmrquf wkclreh wjsqnr jeonbuk'), ('12', 'wjsskarhkdwn xhdgkqxmrquftl wjsskarhkdwn jeonnam gwangju');

CREATE TEMPORARY TABLE specialty (name text, words text);
INSERT INTO specialty VALUES
    ('speech', 'djsdjclfy speech and language therapy'), ('occupational', 'wkrdjqclfy occupational therapy'),
    ('physical', 'anfflclfy physical therapy'), ('psychological', 'tlaflclfy tkdeka psychotherapy and counselling'),
    ('play', 'shfdlclfy play therapy'), ('sensory', 'rkarkrxhdgkqclfy sensory integration therapy');

-- An array of letters for each of the parts of a Korean name, and what bios are made of.
CREATE TEMPORARY TABLE letters AS
SELECT string_to_array('rla dl qkr chl wjd rkd wh dbs wkd dla gks dh tj tls rnjs ghkd dks thd fb ghd', ' ') AS family,
       string_to_array('tj wns wl dn gk dms als tn dud gus al gml wo fl so ska rud wn tjs gks', ' ') AS given,
       string_to_array('dkdl qnah qkfekf wlrn cjscjsgl gkaRp rkwhr shfdl djsdj akf tjdwkd gksrnr eogkr qoddnjs rudfur sus '
           || 'wkvPtjd wkrdjq rkarkr xhdgkq tkghl wjdtj gkrtmq qkfma djgnl durtl tkdeka tkdeo guqfur ckadu rhksckf vudrk '
           || 'ahreh cleh tkfka wnd wkdgkr wlf gkrry dbclgmdjs qhrksgks wjdrnr tpaltk rneowjs rkwjd qkdans anfwl '
           || 'therapy child family speech play years hospital certified gentle autism language delay sensory', ' ') AS bio;

INSERT INTO therapist_profiles (id, display_name, specialties, years_of_experience, certifications, bio, consultation_fee,
    session_minutes, buffer_minutes, travel_minutes, min_notice_hours, horizon_days, daily_limit, consultation_kinds,
    region_codes, approval_status, decided_at, licence_valid_until, rating_sum, review_count, search_name, search_text)
SELECT gen_random_uuid(), 'T' || n, made.specialties, (random() * 30)::int, '{}', repeat('천천히 함께 놀며 말을 배웁니다. ', 12),
       30000 + (random() * 20)::int * 5000, 50, 10, 30, 24, 60, 8,
       CASE WHEN n % 2 = 0 THEN '{online}' WHEN n % 3 = 0 THEN '{home_visit}' ELSE '{online,in_person}' END::text[],
       ARRAY [made.region], CASE WHEN n % 20 = 0 THEN 'pending' ELSE 'approved' END, now(),
       CASE WHEN n % 3 = 0 THEN 'infinity' ELSE current_date + 90 END, made.reviews * 4 + (random() * made.reviews)::int,
       made.reviews, made.name, made.name || '| ' || made.words || ' | ' || bio.words || ' '
FROM (
    SELECT n, array_agg(s.name) AS specialties, min(r.code) AS region, min((n * 7919) % 60)::int AS reviews,
           ' ' || min(l.family[1 + n % 20] || l.given[1 + n / 20 % 20] || l.given[1 + n / 400 % 20]) || ' ' AS name,
           string_agg(s.words, ' ') || ' ' || min(r.names) AS words
    FROM generate_series(1, 20000) AS n
    CROSS JOIN letters l
    JOIN (SELECT row_number() OVER () AS at, * FROM region) r ON r.at = 1 + (n * 31) % 20
    JOIN (SELECT row_number() OVER () AS at, * FROM specialty) s ON s.at = 1 + n % 6 OR (n % 5 = 0 AND s.at = 1 + (n + 2) % 6)
    GROUP BY n
) made
CROSS JOIN LATERAL (
    SELECT string_agg(l.bio[1 + floor(random() * array_length(l.bio, 1))::int], ' ') AS words
    FROM letters l CROSS JOIN generate_series(1, 60 + n % 40)
) bio;

INSERT INTO therapist_availability (id, therapist_id, day_of_week, start_minute, end_minute)
SELECT gen_random_uuid(), id, day, 540, 1080 FROM therapist_profiles CROSS JOIN generate_series(1, 5) AS day;
