"""
What documents of the table often say, for zlib to point at instead of saying it again (RFC 1950, preset dictionary).

It stands in every document that was deflated with it, by its checksum: **it is never changed**. A better one is a second one,
beside this. What is found most often stands last, where it is nearest.
"""

PHRASES = (
    # why a desk did what it did, and what it wrote
    '"why":["Closed: resolved, and nobody wrote for the time set."]}]"why":["Asked the customer how our help was."]}'
    '"No survey: "No acknowledgement: "Told the lead: the promise of a first response is at risk."broken (level 1)."'
    '"Back in the queue: the snooze ended."Reminded the customer of the survey, once."'
    '"A mail came back: Found by a stored Message-ID."Found by our own reference."It belongs to no ticket yet."]'
    '"Opened again: the customer wrote.","Going on: the promises run again.","Found by a signed reply address."]}}'
    '"why":["Paused: no promise runs while the ticket is done."]}'
    '"why":["Paused: no promise runs while we wait for the customer."]},"version":'
    "Thank you for writing to Your message “” has arrived.\\nIts number is CL-.\\n\\nYou will hear from us by Monday"
    "Simply reply to this e-mail, or open your page to see how things stand and to add photos:\\nhttps://"
    "How was our help with your request ? Choose what fits best:\\n\\n5 Very good: https:///surveys/?rating=5\\n4 Good: "
    "?rating=4\\n3 Fair: ?rating=3\\n2 Poor: ?rating=2\\n1 Very poor: ?rating=1\\n\\nEach link opens a page where you can "
    "add a few words and send your rating. It is open until \\n\\nKind regards\\nThank you\\n\\nYour number: CL-"
    # tickets
    '{"scope":"API#","key":"","digest":"","answer":{"reference":"CL-","storefront":"","customer":{"email":"","name":"'
    '"},"subject":"Re: ","language":"en","created_at":"2026-","updated_at":"2026-","channel":"email","kind":"complaint",'
    '"priority":"high","status":"on_hold","phase":"after_sale","assignee":"","team":"support","tags":["bad-csat"],'
    '"order_reference":"","missing":["order_reference","photo"],"authenticated":false,"waiting_since":"2026-'
    '","moved_at":"2026-","resolved_at":"2026-","follow_up_of":"CL-","first_response":{"cycle":1,"allowance":28800.0,'
    '"due_at":"2026-","running_since":null,"met_at":"2026-"},"next_response":{"cycle":1,"allowance":28800.0,"due_at":"2026-'
    '","running_since":null,"met_at":"2026-"},"resolution":{"cycle":1,"allowance":86400.0,"due_at":"2026-'
    '","running_since":"2026-","spoken":1,"spent":0.0},"promised_at":"2026-","response_cycle":1,"resolution_cycle":1,'
    '"survey":{"cycle":1,"state":"planned"},"survey":{"cycle":1,"state":"sent","sent_at":"2026-","expires_at":"2026-'
    '","rating":5,"solved":true,"agent":5,"comment":"","rated_at":"2026-","form":"csat"},"last_customer_message":"01'
    '","answered_by_human":true,"last_answer":"01","awaits_reply":true,"silence_since":"2026-","silence_spoken":1,'
    '"thread":["@mail.gmail.com"],"system_mails":{"":["2026-"]},"timers":{"first_response":"2026-","resolution":"2026-"},'
    '"timers":{"next_response":"2026-","resolution":"2026-"},"timers":{"silence":"2026-"},"timers":{"close":"2026-'
    '","survey":"2026-"},"status":"resolved","status":"pending","status":"open","status":"closed","version":2,"change":"01'
    '","lines":[{"id":"01","at":"2026-","by":{"role":"agent","name":"","email":"'
    '"},"what":"resolved","version":6,"what":"updated","version":"detail":{"what":"rated","detail":{"rating":5,'
    '"solved":null,"agent":null,"comment":"","reasons":[]}},{"id":"01","what":"due","version":7,'
    # what is to be sent
    '{"id":"01","what":"survey-invitation","created_at":"2026-","to":"","data":{"cycle":1,"expires_at":"2026-","form":"csat"'
    '"what":"escalation","what":"agent-reply","created_at":"2026-","to":"{"id":"01","what":"ticket-received","created_at":"2026-'
    '","to":"","data":{"storefront":"demo","promise_by":"2026-","missing":[],"time_zone":"Europe/UTC","counts":{"of":"'
    '","subject":"","words":"","answers":false,"verified":true,"by_mail":false,"name":"","language":"en","tier":"standard"}}'
    '"message":{"id":"01'
    # messages
    '{"id":"01","author":{"role":"third_party","author":{"role":"system","name":"Careline"},"channel":"email","created_at":"2026-'
    '","author":{"role":"agent","name":"","email":"","author":{"role":"customer","name":"","email":"'
    '"},"channel":"api","created_at":"2026-","subject":"","text":"","quoted_text":"","full_text":"","internal":true,'
    '"automatic":true,"verified":false,"files":[{"name":"","content_type":"image/jpeg","size":,"key":"files/mail/"}],'
    '"delivery":{"":{"state":"queued","delivery":{"":{"state":"delivered","at":"2026-"}},"mail_id":"","raw_key":"mail/2026/'
    '","html_key":"files/bodies/","note":"","audit":{"at":"2026-","by":{"role":"agent","name":"","email":"'
    '"},"what":"replied","version":2,"audit":{"at":"2026-","by":{"role":"customer","name":"","email":"'
    '"},"what":"opened","version":1,"what":"customer_wrote","version":3,"why":["'
    '{"ticket":"CL-","identity":"'
    ":00:00Z"
).encode()
